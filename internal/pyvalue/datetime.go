package pyvalue

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
)

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
	// Any day will do: only the part of AppendISO's text after the day is used.
	t := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(clock)
	aware := len(args) == 2 && args[1].Kind != pickle.None
	if aware {
		zone, ok := z.of(args[1])
		if !ok || zone.named != nil { // a named zone has no offset without a day
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

// fieldsOf returns the packed fields of a date or a time: bytes, or characters if Python 2 wrote
// them.
func fieldsOf(args []*pickle.Object, size int) (fields []byte, ok bool) {
	if len(args) == 0 || args[0].Call != nil {
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

// dateOf reads year, month and day. It checks that the day exists.
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

// fold is the highest bit of the month, or of the hour in a time without a date. That bit is
// otherwise unused.
const fold = 0x80

// zone is a tzinfo: a fixed offset, or a named time zone with its rules.
type zone struct {
	fixed *time.Location
	named *time.Location
}

// zones finds time zones. The zero value is ready to use.
type zones struct{ unknown map[string]bool }

// mostUnknown bounds the unknown names of zones in one object, because each costs a search through
// files.
const mostUnknown = 64

// inZone returns the instant at which clocks in a zone show a wall clock. If they show it twice,
// later selects the second instant.
func (z *zones) inZone(wall time.Time, tzinfo *pickle.Object, later bool) (time.Time, bool) {
	in, ok := z.of(tzinfo)
	switch {
	case !ok:
		return wall, false
	case in.fixed != nil:
		return pytime.FromNaive(wall, in.fixed), true
	}
	t := pytime.FromNaive(wall, in.named)
	switch {
	case !later:
	case pytime.Naive(t, in.named).Equal(wall):
		t = pytime.Later(t, in.named).In(in.named)
	default:
		// Clocks never showed it. Python then takes the offset from after the gap.
		_, after := wall.Add(24 * time.Hour).In(in.named).Zone()
		t = pytime.FromNaive(wall, time.FixedZone("", after))
	}
	return t, true
}

// of reads a datetime.timezone, a zoneinfo.ZoneInfo, or a zone of pytz or of an older Django.
func (z *zones) of(o *pickle.Object) (zone, bool) {
	name, args, steps := call(o)
	switch name {
	case "datetime.timezone":
		if len(args) >= 1 && len(steps) == 0 {
			return fixedBy(args[0])
		}
	case "pytz._UTC", "django.utils.timezone.UTC":
		return zone{fixed: time.UTC}, true
	case "pytz.FixedOffset", "pytz._FixedOffset":
		if len(args) == 1 && args[0].Kind == pickle.Int {
			return fixedZone(args[0].Int * 60)
		}
	case "pytz._p":
		// The arguments are the name of the zone, the current offset, its part of daylight saving,
		// and its abbreviation.
		if len(args) >= 2 && args[1].Kind == pickle.Int {
			return fixedZone(args[1].Int)
		}
		return z.at(args)
	case "django.utils.timezone.FixedOffset":
		if len(steps) == 1 && steps[0].Kind == pickle.Build && len(steps[0].Items) == 1 {
			state := steps[0].Items[0]
			if state.Kind != pickle.Dict || state.Call != nil || len(state.Items) > mostInState {
				break
			}
			for i := 0; i+1 < len(state.Items); i += 2 {
				if key, _ := Str(state.Items[i]); key == "_FixedOffset__offset" {
					return fixedBy(state.Items[i+1])
				}
			}
		}
	case "zoneinfo.ZoneInfo", "backports.zoneinfo.ZoneInfo", "zoneinfo.ZoneInfo._unpickle", "backports.zoneinfo.ZoneInfo._unpickle":
		return z.at(args)
	case "":
		if isZoneInfo(o) {
			return z.at(o.Call.Args.Items)
		}
	}
	return zone{}, false
}

// isZoneInfo reports whether an object was made by getattr(zoneinfo.ZoneInfo, "_unpickle")(…).
func isZoneInfo(o *pickle.Object) bool {
	if o.Kind != pickle.Reduce || o.Call == nil || o.Call.Args == nil {
		return false
	}
	name, args, _ := call(o.Call.Callable)
	if name != "getattr" || len(args) != 2 {
		return false
	}
	method, _ := Str(args[1])
	class := globalName(args[0])
	return method == "_unpickle" && (class == "zoneinfo.ZoneInfo" || class == "backports.zoneinfo.ZoneInfo")
}

// fixedBy returns the zone with a fixed offset, given as a timedelta.
func fixedBy(offset *pickle.Object) (zone, bool) {
	delta, ok := timedelta(offset)
	if !ok || delta.Microseconds != 0 || delta.Days < -1 || delta.Days > 0 {
		return zone{}, false
	}
	return fixedZone(int64(delta.Days)*24*3600 + int64(delta.Seconds))
}

func fixedZone(seconds int64) (zone, bool) {
	if seconds <= -24*3600 || seconds >= 24*3600 {
		return zone{}, false
	}
	if seconds == 0 {
		return zone{fixed: time.UTC}, true
	}
	return zone{fixed: time.FixedZone("", int(seconds))}, true
}

// at returns the time zone with a name.
func (z *zones) at(args []*pickle.Object) (zone, bool) {
	if len(args) == 0 {
		return zone{}, false
	}
	name, ok := Str(args[0])
	if !ok || len(name) > longest || z.unknown[name] || len(z.unknown) >= mostUnknown {
		return zone{}, false
	}
	loc, err := pytime.Location(name)
	if err != nil {
		if z.unknown == nil {
			z.unknown = make(map[string]bool)
		}
		z.unknown[name] = true
	}
	return zone{named: loc}, err == nil
}
