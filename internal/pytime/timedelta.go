package pytime

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Timedelta is datetime.timedelta: whole days, and seconds and microseconds that are added to them.
// Only the days may be negative.
type Timedelta struct{ Days, Seconds, Microseconds int }

// MaxDays limits the days of a timedelta in either direction.
const MaxDays = 999999999

// TimedeltaOf returns a duration as a Timedelta, truncated to microseconds.
func TimedeltaOf(d time.Duration) Timedelta {
	const day = 24 * time.Hour
	days := d / day
	if d%day < 0 {
		days--
	}
	rest := d - days*day
	return Timedelta{int(days), int(rest / time.Second), int(rest % time.Second / time.Microsecond)}
}

// Duration returns d as a time.Duration. ok is false if d does not fit: a Duration holds 292 years.
func (d Timedelta) Duration() (duration time.Duration, ok bool) {
	const day = 24 * time.Hour
	if limit := int(math.MaxInt64/day) - 1; d.Days > limit || d.Days < -limit {
		return 0, false
	}
	return time.Duration(d.Days)*day + time.Duration(d.Seconds)*time.Second + time.Duration(d.Microseconds)*time.Microsecond, true
}

// Valid reports whether the parts are in the ranges of a timedelta in Python.
func (d Timedelta) Valid() bool {
	return d.Days >= -MaxDays && d.Days <= MaxDays && d.Seconds >= 0 && d.Seconds < 24*3600 && d.Microseconds >= 0 && d.Microseconds < 1e6
}

// Append appends str(timedelta): "-1 day, 23:59:59.000001".
func (d Timedelta) Append(dst []byte) []byte {
	if d.Days != 0 {
		dst = append(strconv.AppendInt(dst, int64(d.Days), 10), " day"...)
		if d.Days != 1 && d.Days != -1 {
			dst = append(dst, 's')
		}
		dst = append(dst, ", "...)
	}
	dst = strconv.AppendInt(dst, int64(d.Seconds/3600), 10)
	dst = appendDigits(append(dst, ':'), d.Seconds/60%60, 2)
	dst = appendDigits(append(dst, ':'), d.Seconds%60, 2)
	if d.Microseconds != 0 {
		dst = appendDigits(append(dst, '.'), d.Microseconds, 6)
	}
	return dst
}

func appendDigits(dst []byte, n, width int) []byte {
	text := strconv.Itoa(n)
	for range width - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// ErrNotTimedelta is the error for a text that str(timedelta) does not write.
var ErrNotTimedelta = errors.New("not a timedelta")

// ParseTimedelta reads str(timedelta).
func ParseTimedelta(text string) (Timedelta, error) {
	var d Timedelta
	clock := text
	if days, rest, ok := strings.Cut(text, " day"); ok {
		n, err := strconv.Atoi(days)
		if err != nil {
			return d, ErrNotTimedelta
		}
		d.Days = n
		if clock, ok = strings.CutPrefix(strings.TrimPrefix(rest, "s"), ", "); !ok {
			return d, ErrNotTimedelta
		}
	}
	if strings.IndexByte(clock, ':') == 1 {
		clock = "0" + clock
	}
	p := timeParser{rest: clock, ok: true}
	hours := p.number(2)
	minutes := p.after(":", 2)
	seconds := p.after(":", 2)
	d.Seconds = hours*3600 + minutes*60 + seconds
	d.Microseconds = p.fraction() / 1000
	if !p.ok || p.rest != "" || minutes > 59 || seconds > 59 || !d.Valid() {
		return Timedelta{}, ErrNotTimedelta
	}
	return d, nil
}
