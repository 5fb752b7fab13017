package pytime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// ParseISO reads the texts that datetime.fromisoformat reads, and returns the same instants. The texts
// do not include those that CPython reads by accident, such as a fraction without digits, or that only some releases read,
// such as 24:00.
func TestParseISOAgainstPython(t *testing.T) {
	dates := []string{"2099-12-31", "20991231", "2099-1231", "209912-31", "2099-02-30", "0001-01-01", "9999-12-31", "2099-12", "2099", "99-12-31", "",
		"2099-W01-1", "2099-W01", "2099W011", "2099W01", "2026-W53-7", "2026W53", "2099-W53", "2099-W00-1", "2099-W01-0", "2099-W01-8", "2099-W011", "2099W01-1",
		"0001-W01-1", "9999-W52-5", "9999-W52-7", "2099-w01", "2099-365"}
	separators := []string{"T", " ", "-", "é", "😀"}
	times := []string{"23:59:58", "235958", "23:59:58.5", "23:59:58.123456", "235958.123", "235958.1234567", "23:59:58.1234567891234", "23:59:58,5", "235958,123456", "23:59", "2359", "23", "2", "",
		"23:5958", "2359:58", "23:60", "23:59:60", "23:59:5", "25:00:00"}
	zones := []string{"", "Z", "+00:00", "-00:00", "+02:00", "-0530", "+02", "+02:00:30", "+020030", "+24:00", "+02:", "z", "+2", "+02:00:00.5", "+02:00:00,5", " +02:00", " Z", " "}
	texts := append(slices.Clone(dates), "2099-12-31723:59:58Z", "209912317235958", "20991231235958", "2099-12-3123:59")
	for _, date := range dates {
		for _, separator := range separators {
			for _, time := range times {
				for _, zone := range zones {
					texts = append(texts, date+separator+time+zone)
				}
			}
		}
	}
	django := djangotest.Start(t, djangotest.Newest, nil)
	var want []*struct {
		Naive  bool
		Micros int64
	}
	django.Do(t, `
		utc, epoch = datetime.timezone.utc, datetime.datetime(1970, 1, 1)
		def parsed(text):
			try:
				d = datetime.datetime.fromisoformat(text)
			except ValueError:
				return None
			naive = d.tzinfo is None
			wall = d if naive else d.replace(tzinfo=None) - d.utcoffset()
			return {"Naive": naive, "Micros": (wall - epoch) // datetime.timedelta(microseconds=1)}
		result = []
		for text in args:
			try:
				result.append(parsed(text))
			except OverflowError: # the instant is outside of Python's years
				result.append({"Naive": False, "Micros": 0})
	`, texts, &want)
	parsed := 0
	for i, text := range texts {
		got, naive, err := pytime.ParseISO(text)
		switch w := want[i]; {
		case (err == nil) != (w != nil):
			t.Errorf("%q: %v, %v", text, got, err)
		case w == nil || w.Micros == 0:
		case naive != w.Naive || got.Truncate(time.Microsecond).UnixMicro() != w.Micros:
			t.Errorf("%q: %v, naive %v; Python returns %v", text, got, naive, time.UnixMicro(w.Micros).UTC())
		default:
			parsed++
		}
	}
	t.Logf("%d of %d are times", parsed, len(texts))
}

// A time that ParseISO read and AppendISO wrote is the same time when ParseISO reads it again.
func FuzzISO(f *testing.F) {
	for _, text := range []string{"2024-02-29T12:30:15.123456+02:00", "20240229T123015Z", "2024-02-29", "2024-02-29 24:00", "0001-01-01T00:00:00+23:59:59.999999", "2024-02-30", "2024-02-29T12:30:15.", "-", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, naive, err := pytime.ParseISO(text)
		if err != nil {
			return
		}
		written, err := pytime.AppendISO(nil, at)
		if err != nil { // the offset can move the time out of the years 1 to 9999
			return
		}
		again, _, err := pytime.ParseISO(string(written))
		if err != nil || at.Sub(again).Abs() >= 1000 || naive && at.Location().String() != "UTC" {
			t.Errorf("%q is %v, written as %q, read back as %v, %v", text, at, written, again, err)
		}
	})
}
