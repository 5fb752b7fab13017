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

// ParseISO reads isoformat() and str() of a datetime or a date, and the other forms of ISO 8601 that Python reads since
// 3.11: week dates such as 2099-W01-1, the basic form 20991231T235959Z, a time without minutes or seconds, a comma before
// the fraction. As in Python any one character separates date and time, and a space may stand before the offset. A text
// without an offset is naive: its wall clock is returned as if it were UTC.
//
// A site with an older Python reads less: Django raises a ValueError there. Django writes isoformat() only, which all read.
func ParseISO(s string) (t time.Time, naive bool, err error) {
	size := dateSize(s)
	if len(s) < size {
		return time.Time{}, false, ErrNotISO
	}
	date, ok := parseDate(s[:size])
	if !ok {
		return time.Time{}, false, ErrNotISO
	}
	if len(s) == size {
		return date, true, nil
	}
	clock := s[size:]
	p := timeParser{rest: clock[min(characterSize(clock[0]), len(clock)):], ok: true}
	var minute, second, nanosecond int
	hour := p.number(2)
	if separator := ":"; p.more() {
		minute, separator = p.next(separator, 2)
		if p.more() {
			second = p.after(separator, 2)
			nanosecond = p.fraction()
		}
	}
	p.spaceBeforeOffset(clock)
	naive = p.rest == ""
	zone, fraction := p.zone()
	if !p.ok || p.rest != "" || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false, ErrNotISO
	}
	t = time.Date(date.Year(), date.Month(), date.Day(), hour, minute, second, nanosecond, zone)
	return t.Add(-fraction), naive, nil
}

// dateSize returns how many bytes of s are the date. Any character may follow, so in YYYY-Www-DD and in YYYYWww followed by
// digits it is not clear what belongs to the date. Python takes the hyphen for the separator in the first, and in the
// second expects two digits for each part of the time.
func dateSize(s string) int {
	const basic, extended, week, weekday = 8, 10, 7, 8 // YYYYMMDD, YYYY-MM-DD, YYYYWww, YYYYWwwD
	isExtended := len(s) > 4 && s[4] == '-'
	switch {
	case strings.HasPrefix(s[min(4, len(s)):], "-W"):
		if len(s) > 8 && s[8] == '-' && countDigits(s[min(10, len(s)):]) == 0 {
			return extended // YYYY-Www-D
		}
		return week + 1
	case isExtended:
		return extended
	case len(s) > 4 && s[4] == 'W':
		digits := countDigits(s[min(week, len(s)):])
		if digits == 1 || digits > 1 && digits%2 == 0 {
			return weekday
		}
		return week
	}
	return basic
}

// parseDate reads YYYY-MM-DD, YYYY-Www-D or YYYY-Www, or one of them without hyphens.
func parseDate(s string) (date time.Time, ok bool) {
	p := timeParser{rest: s, ok: true}
	year := p.number(4)
	hyphen := ""
	if p.take("-") {
		hyphen = "-"
	}
	if p.take("W") {
		week, day := p.number(2), 1
		if p.rest != "" {
			day = p.after(hyphen, 1)
		}
		// The week with January 4 is the first.
		first := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC)
		monday := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
		date = monday.AddDate(0, 0, (week-1)*7+day-1)
		isoYear, isoWeek := date.ISOWeek()
		ok = day >= 1 && day <= 7 && isoYear == year && isoWeek == week
	} else {
		month := p.number(2)
		day := p.after(hyphen, 2)
		date = time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		ok = int(date.Month()) == month && date.Day() == day // not February 30
	}
	return date, ok && p.ok && p.rest == "" && year >= 1 && date.Year() >= 1 && date.Year() <= 9999
}

// characterSize returns how many bytes the character has that begins with this byte. A lone surrogate has three.
func characterSize(first byte) int {
	switch {
	case first < 0x80:
		return 1
	case first&0xf0 == 0xe0:
		return 3
	case first&0xf0 == 0xf0:
		return 4
	}
	return 2
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

// fraction reads the nanoseconds of a fraction, if there is one. Further digits do not count.
func (p *timeParser) fraction() int {
	if !p.take(".") && !p.take(",") {
		return 0
	}
	width := countDigits(p.rest)
	if width == 0 {
		p.ok = false
		return 0
	}
	n := p.number(min(width, 9))
	p.rest = p.rest[max(width-9, 0):]
	for ; width < 9; width++ {
		n *= 10
	}
	return n
}

// spaceBeforeOffset skips a space before an offset. Python does not expect it after a fraction of fewer than six digits.
func (p *timeParser) spaceBeforeOffset(clock string) {
	if len(p.rest) < 2 || p.rest[0] != ' ' || !strings.ContainsRune("+-Z", rune(p.rest[1])) {
		return
	}
	read := clock[:len(clock)-len(p.rest)]
	if point := strings.LastIndexAny(read[1:], ".,"); point < 0 || len(read)-1-point-1 >= 6 {
		p.rest = p.rest[1:]
	}
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
