package pyvalue

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
)

// fieldsOf returns the packed fields of a date or a time: bytes, or as Python 2 wrote them characters.
func fieldsOf(args []*pickle.Object, size int) (fields []byte, ok bool) {
	if len(args) == 0 || args[0].Made != nil {
		return nil, false
	}
	switch args[0].Kind {
	case pickle.Bytes:
		fields = []byte(args[0].Text)
	case pickle.Str:
		if utf8.RuneCountInString(args[0].Text) != size {
			return nil, false
		}
		for _, r := range args[0].Text {
			if r > 0xff {
				return nil, false
			}
			fields = append(fields, byte(r))
		}
	}
	return fields, len(fields) == size
}

func dateText(args []*pickle.Object) (pyjson.Mark, string) {
	b, ok := fieldsOf(args, 4)
	if !ok || len(args) != 1 {
		return 0, ""
	}
	t, ok := dateOf(int(b[0])<<8|int(b[1]), int(b[2]), int(b[3]))
	if !ok {
		return 0, ""
	}
	return pyjson.Date, t.Format("2006-01-02")
}

// dateOf checks that there is such a day.
func dateOf(year, month, day int) (time.Time, bool) {
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t, year >= 1 && year <= 9999 && int(t.Month()) == month && t.Day() == day
}

// clockOf reads hour, minute, second and microseconds.
func clockOf(b []byte) (time.Duration, bool) {
	micros := int(b[3])<<16 | int(b[4])<<8 | int(b[5])
	ok := b[0] < 24 && b[1] < 60 && b[2] < 60 && micros < 1e6
	return time.Duration(b[0])*time.Hour + time.Duration(b[1])*time.Minute + time.Duration(b[2])*time.Second +
		time.Duration(micros)*time.Microsecond, ok
}

// fold is the highest bit of a byte that does not need it: of the month, or of the hour where there is none.
const fold = 0x80

func (z *zones) datetimeText(args []*pickle.Object) (pyjson.Mark, string) {
	b, ok := fieldsOf(args, 10)
	if !ok || len(args) > 2 {
		return 0, ""
	}
	day, ok := dateOf(int(b[0])<<8|int(b[1]), int(b[2]&^fold), int(b[3]))
	clock, ok2 := clockOf(b[4:])
	if !ok || !ok2 {
		return 0, ""
	}
	wall := day.Add(clock)
	mark := pyjson.Naive
	if len(args) == 2 && args[1].Kind != pickle.None {
		if wall, ok = z.inZone(wall, args[1], b[2]&fold != 0); !ok {
			return 0, ""
		}
		mark = pyjson.Datetime
	}
	text, err := pytime.AppendISO(nil, wall)
	if err != nil {
		return 0, ""
	}
	if mark == pyjson.Naive {
		text = text[:len(text)-len("+00:00")]
	}
	return mark, string(text)
}

func (z *zones) timeText(args []*pickle.Object) (pyjson.Mark, string) {
	b, ok := fieldsOf(args, 6)
	if !ok || len(args) > 2 {
		return 0, ""
	}
	b[0] &^= fold
	clock, ok := clockOf(b)
	if !ok {
		return 0, ""
	}
	// A day of no meaning: only what AppendISO writes behind it counts.
	t := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(clock)
	aware := len(args) == 2 && args[1].Kind != pickle.None
	if aware {
		zone, ok := z.of(args[1])
		if !ok || zone.named != nil { // which has no offset without a day
			return 0, ""
		}
		t = pytime.FromNaive(t, zone.fixed)
	}
	text, err := pytime.AppendISO(nil, t)
	if err != nil {
		return 0, ""
	}
	_, clockText, _ := strings.Cut(string(text), "T")
	if !aware {
		clockText = strings.TrimSuffix(clockText, "+00:00")
	}
	return pyjson.TimeOfDay, clockText
}
