package pytime_test

import (
	"os"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// FromNaive agrees with zoneinfo at every half hour around each change of these clocks. Among the
// changes are hours that come twice or never, changes by half an hour, and a day that was skipped.
func TestNaiveTimesAgainstPython(t *testing.T) {
	django := djangotest.Start(t, djangotest.Newest, nil)
	for _, zone := range []string{
		"Europe/Warsaw", "America/Chicago", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca",
		"Pacific/Apia", "Asia/Kathmandu", "Europe/Dublin", "UTC",
	} {
		var pairs []struct {
			Naive string
			Unix  int64
		}
		django.Do(t, `
			import zoneinfo
			zone = zoneinfo.ZoneInfo(args)
			utc = datetime.timezone.utc
			at, end = datetime.datetime(2011, 1, 1, tzinfo=utc), datetime.datetime(2031, 1, 1, tzinfo=utc)
			step, half = datetime.timedelta(days=1), datetime.timedelta(minutes=30)
			wanted = set()
			while at < end:
				if at.astimezone(zone).utcoffset() != (at + step).astimezone(zone).utcoffset():
					around = at.astimezone(zone).replace(tzinfo=None) - step
					wanted.update(around + half * n for n in range(48 * 3))
				at += step
			wanted.update(datetime.datetime(2026, m, 15, 12, 30) for m in range(1, 13))
			result = [{"Naive": n.isoformat(), "Unix": int(n.replace(tzinfo=zone).timestamp())} for n in sorted(wanted)]
		`, zone, &pairs)
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			naive, isNaive, err := pytime.ParseISO(p.Naive)
			if err != nil || !isNaive {
				t.Fatalf("%s: naive %v, %v", p.Naive, isNaive, err)
			}
			if got := pytime.FromNaive(naive, loc); got.Unix() != p.Unix {
				t.Errorf("%s in %s is %v, Python has %v", p.Naive, zone, got.UTC(), time.Unix(p.Unix, 0).UTC())
			}
		}
		t.Logf("%s: %d times", zone, len(pairs))
	}
}

func TestNaiveIsTheReverse(t *testing.T) {
	loc, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	for at := time.Date(2026, 3, 28, 0, 0, 0, 123000, time.UTC); at.Month() < time.May; at = at.Add(17 * time.Minute) {
		if back := pytime.FromNaive(pytime.Naive(at, loc), loc); !back.Equal(at) {
			t.Errorf("%v becomes %v", at, back)
		}
	}
}
