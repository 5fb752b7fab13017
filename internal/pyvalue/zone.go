package pyvalue

import (
	"time"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pytime"
)

// zone is a tzinfo: an offset, or the rules of a place.
type zone struct {
	fixed *time.Location
	named *time.Location
}

// zones finds time zones. The zero value is ready to use.
type zones struct{ unknown map[string]bool }

// mostUnknown bounds the unknown names of zones in one object: each costs a search through files.
const mostUnknown = 64

// inZone returns a wall clock as the instant it shows there; later says which, where clocks show it twice.
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
		// Clocks never showed it. Python then takes the offset that is in force after the gap.
		_, after := wall.Add(24 * time.Hour).In(in.named).Zone()
		t = pytime.FromNaive(wall, time.FixedZone("", after))
	}
	return t, true
}

// of reads datetime.timezone, zoneinfo.ZoneInfo, those of pytz, and those that Django had.
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
		// A place, and the offset in force, its part of daylight saving, and what it is called.
		if len(args) >= 2 && args[1].Kind == pickle.Int {
			return fixedZone(args[1].Int)
		}
		return z.at(args)
	case "django.utils.timezone.FixedOffset":
		if len(steps) == 1 && steps[0].Kind == pickle.Build && len(steps[0].Items) == 1 {
			state := steps[0].Items[0]
			if state.Kind != pickle.Dict || state.Made != nil || len(state.Items) > mostInState {
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
			return z.at(o.Made.Args.Items)
		}
	}
	return zone{}, false
}

// isZoneInfo tells whether an object was made by getattr(zoneinfo.ZoneInfo, "_unpickle")(…).
func isZoneInfo(o *pickle.Object) bool {
	if o.Kind != pickle.Reduce || o.Made == nil || o.Made.Args == nil {
		return false
	}
	name, args, _ := call(o.Made.Callable)
	if name != "getattr" || len(args) != 2 {
		return false
	}
	method, _ := Str(args[1])
	class := globalName(args[0])
	return method == "_unpickle" && (class == "zoneinfo.ZoneInfo" || class == "backports.zoneinfo.ZoneInfo")
}

// fixedBy is a zone by its timedelta.
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

// at finds a time zone by its name.
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
