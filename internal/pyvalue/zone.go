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

// inZone returns a wall clock as the instant it shows there; later says which, where clocks show it twice.
func inZone(wall time.Time, tzinfo *pickle.Object, later bool) (time.Time, bool) {
	z, ok := zoneOf(tzinfo)
	switch {
	case !ok:
		return wall, false
	case z.fixed != nil:
		return pytime.FromNaive(wall, z.fixed), true
	}
	t := pytime.FromNaive(wall, z.named)
	switch {
	case !later:
	case pytime.Naive(t, z.named).Equal(wall):
		t = pytime.Later(t, z.named).In(z.named)
	default:
		// Clocks never showed it. Python then takes the offset that is in force after the gap.
		_, after := wall.Add(24 * time.Hour).In(z.named).Zone()
		t = pytime.FromNaive(wall, time.FixedZone("", after))
	}
	return t, true
}

// zoneOf reads datetime.timezone, zoneinfo.ZoneInfo, those of pytz, and those that Django had.
func zoneOf(o *pickle.Object) (zone, bool) {
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
		return namedZone(args)
	case "django.utils.timezone.FixedOffset":
		if len(steps) == 1 && steps[0].Kind == pickle.Build && len(steps[0].Items) == 1 {
			state, _ := dictItems(steps[0].Items[0])
			for i := 0; i+1 < len(state); i += 2 {
				if key, _ := Str(state[i]); key == "_FixedOffset__offset" {
					return fixedBy(state[i+1])
				}
			}
		}
	case "zoneinfo.ZoneInfo", "backports.zoneinfo.ZoneInfo", "zoneinfo.ZoneInfo._unpickle", "backports.zoneinfo.ZoneInfo._unpickle":
		return namedZone(args)
	case "":
		if isZoneInfo(o) {
			return namedZone(o.Made.Args.Items)
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

func namedZone(args []*pickle.Object) (zone, bool) {
	if len(args) == 0 {
		return zone{}, false
	}
	name, ok := Str(args[0])
	if !ok {
		return zone{}, false
	}
	loc, err := pytime.Location(name)
	return zone{named: loc}, err == nil
}
