package pytype

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Date is datetime.date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of t, in t's own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// In returns the first instant of the day in a location.
func (d Date) In(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// String returns isoformat().
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

var errNotDate = errors.New("not a date")

// MarshalText returns isoformat(). A day that Python does not have is an error.
func (d Date) MarshalText() ([]byte, error) {
	if d.Year < 1 || d.Year > 9999 || DateOf(d.In(time.UTC)) != d {
		return nil, errNotDate
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads isoformat().
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil || t.Year() < 1 {
		return errNotDate
	}
	*d = DateOf(t)
	return nil
}

// NaiveTime is a datetime.datetime without a tzinfo, which sites with USE_TZ off have: a wall
// clock without a place. Only the wall clock of the time.Time counts, not its location.
type NaiveTime time.Time

// NaiveTimeOf returns the wall clock that t shows in a location.
func NaiveTimeOf(t time.Time, loc *time.Location) NaiveTime { return NaiveTime(pytime.Naive(t, loc)) }

// In returns the instant at which clocks in a location show this wall clock. If they show it
// twice, it is the first instant.
func (t NaiveTime) In(loc *time.Location) time.Time { return pytime.FromNaive(time.Time(t), loc) }

// String returns isoformat().
func (t NaiveTime) String() string {
	text, err := t.MarshalText()
	if err != nil {
		return time.Time(t).Format("2006-01-02T15:04:05")
	}
	return string(text)
}

// MarshalText returns isoformat(). A year that Python does not have is an error.
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
	// Offset is the offset of the tzinfo, such as "+01:00". It is empty if there is no tzinfo.
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

var errNotTimeOfDay = errors.New("not a time of day")

// MarshalText returns isoformat(). A time that Python does not have is an error.
func (t TimeOfDay) MarshalText() ([]byte, error) {
	text := t.String()
	var read TimeOfDay
	if err := read.UnmarshalText([]byte(text)); err != nil || read != t {
		return nil, errNotTimeOfDay
	}
	return []byte(text), nil
}

// UnmarshalText reads isoformat().
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	at, naive, err := pytime.ParseISO("2000-01-01T" + string(text))
	if err != nil {
		return errNotTimeOfDay
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

// Timedelta is datetime.timedelta, which holds up to 2.7 million years. A time.Duration holds
// 292.
type Timedelta struct {
	Days, Seconds, Microseconds int
}

// Duration returns d as a time.Duration. ok reports whether it fits.
func (d Timedelta) Duration() (duration time.Duration, ok bool) { return d.normal().Duration() }

// normal returns d as Python keeps it: only the days are ever negative.
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

// MarshalText returns String. More days than Python has are an error.
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
