package djsession

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// NaiveTime is a datetime.datetime without a tzinfo, as sites have them that run with
// USE_TZ off: what a clock showed, and not where. Its own location does not matter.
type NaiveTime time.Time

// NaiveTimeOf returns what a clock in a place shows at an instant.
func NaiveTimeOf(t time.Time, loc *time.Location) NaiveTime { return NaiveTime(pytime.Naive(t, loc)) }

// In returns the instant at which clocks in a place show this; the first one if
// there are two.
func (t NaiveTime) In(loc *time.Location) time.Time { return pytime.FromNaive(time.Time(t), loc) }

// String returns isoformat().
func (t NaiveTime) String() string {
	text, err := t.MarshalText()
	if err != nil {
		return time.Time(t).Format("2006-01-02T15:04:05")
	}
	return string(text)
}

// MarshalText returns isoformat().
func (t NaiveTime) MarshalText() ([]byte, error) {
	const offset = len("+00:00")
	wall := time.Time(t)
	text, err := pytime.AppendISO(nil, pytime.Naive(wall, wall.Location()))
	if err != nil {
		return nil, err
	}
	return text[:len(text)-offset], nil
}

// UnmarshalText reads isoformat().
func (t *NaiveTime) UnmarshalText(text []byte) error {
	wall, naive, err := pytime.ParseISO(string(text))
	if err != nil || !naive {
		return errors.New("not a time without an offset")
	}
	*t = NaiveTime(wall)
	return nil
}

// TimeOfDay is datetime.time.
type TimeOfDay struct {
	Hour, Minute, Second, Microsecond int
	// Offset is that of its tzinfo, such as "+01:00"; empty without one.
	Offset string
}

// String returns isoformat().
func (t TimeOfDay) String() string {
	text := fmt.Sprintf("%02d:%02d:%02d", t.Hour, t.Minute, t.Second)
	if t.Microsecond != 0 {
		text += fmt.Sprintf(".%06d", t.Microsecond)
	}
	return text + t.Offset
}

// MarshalText returns isoformat(), of a time that there is.
func (t TimeOfDay) MarshalText() ([]byte, error) {
	var read TimeOfDay
	if err := read.UnmarshalText([]byte(t.String())); err != nil || read != t {
		return nil, errors.New("not a time of day")
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads isoformat().
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	at, naive, err := pytime.ParseISO("2000-01-01T" + string(text))
	if err != nil {
		return errors.New("not a time of day")
	}
	*t = TimeOfDay{at.Hour(), at.Minute(), at.Second(), at.Nanosecond() / 1000, ""}
	if !naive {
		iso, err := pytime.AppendISO(nil, at.Truncate(time.Second))
		if err != nil {
			return err
		}
		_, offset, _ := strings.Cut(string(iso), at.Format("15:04:05"))
		t.Offset = offset
	}
	return nil
}

// Timedelta is datetime.timedelta, of which Python has up to 2.7 million years. Within
// 292 years a time.Duration does as well.
type Timedelta struct {
	Days, Seconds, Microseconds int
}

// Duration tells whether a time.Duration can hold it, and which.
func (d Timedelta) Duration() (time.Duration, bool) { return d.normal().Duration() }

// normal is as Python keeps it: only the days are ever negative.
func (d Timedelta) normal() pytime.Timedelta {
	const day = 24 * 3600
	carry := func(n, unit int) (rest, more int) {
		rest, more = n%unit, n/unit
		if rest < 0 {
			return rest + unit, more - 1
		}
		return rest, more
	}
	micros, seconds := carry(d.Microseconds, 1e6)
	seconds, days := carry(d.Seconds+seconds, day)
	return pytime.Timedelta{Days: d.Days + days, Seconds: seconds, Microseconds: micros}
}

// String returns str(): "-1 day, 23:59:59".
func (d Timedelta) String() string { return string(d.normal().Append(nil)) }

// MarshalText returns String, of what Python can hold.
func (d Timedelta) MarshalText() ([]byte, error) {
	if !d.normal().Valid() {
		return nil, errors.New("more days than a timedelta has")
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads str().
func (d *Timedelta) UnmarshalText(text []byte) error {
	delta, err := pytime.ParseTimedelta(string(text))
	*d = Timedelta(delta)
	return err
}
