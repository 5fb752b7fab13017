package pytime_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Append writes a timedelta as str() does, and ParseTimedelta reads it back.
func TestTimedeltaAgainstPython(t *testing.T) {
	deltas := []pytime.Timedelta{
		{}, {0, 0, 1}, {0, 59, 0}, {0, 3600, 0}, {0, 86399, 999999}, {1, 0, 0}, {2, 0, 5}, {-1, 86399, 0}, {-2, 1, 1},
		{pytime.MaxDays, 86399, 999999}, {-pytime.MaxDays, 0, 0}, {106751, 0, 0}, {-106751, 5, 0},
	}
	var want []string
	django := djangotest.Start(t, djangotest.Newest, nil)
	django.Do(t, `result = [str(datetime.timedelta(d["Days"], d["Seconds"], d["Microseconds"])) for d in args]`, deltas, &want)
	for i, d := range deltas {
		text := string(d.Append(nil))
		if text != want[i] || !d.Valid() {
			t.Errorf("%v is %q, in Python %q", d, text, want[i])
		}
		if back, err := pytime.ParseTimedelta(text); err != nil || back != d {
			t.Errorf("%q is read as %v, %v", text, back, err)
		}
		if duration, ok := d.Duration(); ok && pytime.TimedeltaOf(duration) != d {
			t.Errorf("%v as the duration %v becomes %v", d, duration, pytime.TimedeltaOf(duration))
		}
	}
	if d, ok := (pytime.Timedelta{Days: -1, Seconds: 86399, Microseconds: 999999}).Duration(); !ok || d != -time.Microsecond {
		t.Errorf("%v, %v", d, ok)
	}
}

func TestNotATimedelta(t *testing.T) {
	for _, text := range []string{"", "1", "1 day", "1 day, ", "1 days 0:00:00", "0:00", "0:60:00", "24:00:00", "-0:00:01", "0:00:00.", "1000000000 days, 0:00:00", "x day, 0:00:00", "0:00:00 "} {
		if d, err := pytime.ParseTimedelta(text); err == nil {
			t.Errorf("%q is %v", text, d)
		}
	}
}

func FuzzTimedelta(f *testing.F) {
	for _, text := range []string{"-1 day, 23:59:59.000001", "0:00:00", "999999999 days, 23:59:59.999999", "1 days, 1:2:3", " day, ", "99999999999999999999 days, 0:00:00", ":", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := pytime.ParseTimedelta(text)
		if err != nil {
			return
		}
		_, _ = d.Duration() // must not panic
		if again, err := pytime.ParseTimedelta(string(d.Append(nil))); err != nil || again != d || !d.Valid() {
			t.Errorf("%q is %v, read back as %v, %v", text, d, again, err)
		}
	})
}
