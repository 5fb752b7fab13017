package pytime

import (
	"errors"
	"strings"
	"time"
)

// AppendISO appends datetime.isoformat(): with T, with no or six digits of a fraction, and with the offset as +00:00 and
// never Z. The offset has seconds only if they are not zero.
func AppendISO(dst []byte, t time.Time) ([]byte, error) {
	_, offset := t.Zone()
	if year := t.Year(); year < 1 || year > 9999 {
		return dst, errors.New("year outside 1 to 9999")
	}
	if offset <= -24*3600 || offset >= 24*3600 {
		return dst, errors.New("offset of a day or more")
	}
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() >= int(time.Microsecond) {
		layout += ".000000"
	}
	return appendOffset(t.AppendFormat(dst, layout), offset), nil
}

// appendOffset does not use Go's layouts: they lose the sign of an offset of less than a minute.
func appendOffset(dst []byte, offset int) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	digits := func(n int) { dst = append(dst, byte('0'+n/10), byte('0'+n%10)) }
	dst = append(dst, sign)
	digits(offset / 3600)
	dst = append(dst, ':')
	digits(offset / 60 % 60)
	if offset%60 != 0 {
		dst = append(dst, ':')
		digits(offset % 60)
	}
	return dst
}

// ErrNotISO is the error for a text that is not in a form of ISO 8601 which Python reads.
var ErrNotISO = errors.New("not an ISO 8601 time")

// ParseISO reads isoformat() and str() of a datetime or a date. As Python does since 3.11, it also reads Z for the offset,
// a time without minutes or seconds, and the basic form 20991231T235959Z. It does not read week dates such as 2099-W01-1. A
// text without an offset is naive: its wall clock is returned as if it were UTC.
func ParseISO(s string) (t time.Time, naive bool, err error) {
	p := timeParser{rest: s, ok: true}
	year := p.number(4)
	month, separator := p.next("-", 2)
	day := p.after(separator, 2)
	var hour, minute, second, nanosecond int
	zone, fraction := time.UTC, time.Duration(0)
	naive = true
	if p.ok && p.rest != "" {
		if !p.take("T") && !p.take(" ") {
			return time.Time{}, false, ErrNotISO
		}
		hour = p.number(2)
		if separator := ":"; p.more() {
			minute, separator = p.next(separator, 2)
			if p.more() {
				second = p.after(separator, 2)
				nanosecond = p.fraction()
			}
		}
		naive = p.rest == ""
		zone, fraction = p.zone()
	}
	if !p.ok || p.rest != "" || year < 1 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false, ErrNotISO
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, zone)
	if int(t.Month()) != month || t.Day() != day { // such as February 30
		return time.Time{}, false, ErrNotISO
	}
	return t.Add(-fraction), naive, nil
}

// A timeParser reads a text from the left. ok is false after the first part that is missing or not valid.
type timeParser struct {
	rest string
	ok   bool
}

func (p *timeParser) take(prefix string) bool {
	rest, found := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	return found
}

func (p *timeParser) after(separator string, width int) int {
	p.ok = p.take(separator) && p.ok
	return p.number(width)
}

// next reads a number after a separator that may be missing. It returns the separator, or "" if that is missing: then the
// next number has none either.
func (p *timeParser) next(separator string, width int) (n int, used string) {
	if !strings.HasPrefix(p.rest, separator) {
		separator = ""
	}
	return p.after(separator, width), separator
}

// more reports whether another part of a time follows.
func (p *timeParser) more() bool {
	return strings.HasPrefix(p.rest, ":") || countDigits(p.rest) > 0
}

func (p *timeParser) number(width int) (n int) {
	if len(p.rest) < width || countDigits(p.rest[:width]) < width {
		p.ok = false
		return 0
	}
	for _, c := range []byte(p.rest[:width]) {
		n = n*10 + int(c-'0')
	}
	p.rest = p.rest[width:]
	return n
}

// fraction reads the nanoseconds of a fraction of one to nine digits, if there is one.
func (p *timeParser) fraction() int {
	if !p.take(".") {
		return 0
	}
	width := countDigits(p.rest)
	if width < 1 || width > 9 {
		p.ok = false
		return 0
	}
	n := p.number(width)
	for ; width < 9; width++ {
		n *= 10
	}
	return n
}

// zone reads an offset, if there is one. Go's offsets are whole seconds, so it returns the fraction of a second of Python's
// offset separately.
func (p *timeParser) zone() (loc *time.Location, fraction time.Duration) {
	if p.rest == "" || p.take("Z") {
		return time.UTC, 0
	}
	sign := 1
	if p.take("-") {
		sign = -1
	} else if !p.take("+") {
		p.ok = false
	}
	hours := p.number(2)
	minutes, seconds := 0, 0
	if separator := ":"; p.more() {
		minutes, separator = p.next(separator, 2)
		if p.more() {
			seconds = p.after(separator, 2)
			fraction = time.Duration(sign * p.fraction())
		}
	}
	if hours > 23 || minutes > 59 || seconds > 59 {
		p.ok = false
	}
	offset := sign * (hours*3600 + minutes*60 + seconds)
	if offset == 0 {
		return time.UTC, fraction
	}
	return time.FixedZone("", offset), fraction
}

// countDigits counts the digits that s begins with.
func countDigits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
