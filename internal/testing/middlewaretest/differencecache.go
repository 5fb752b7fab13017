package middlewaretest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
)

// cacheDifferences are those of sessions in caches.
var cacheDifferences = []difference{
	{
		why: "a session that is over when it gets another key is over under that, too; Django stores it twice, and then takes it for deleted",
		covers: func(e Engine, _ bool, r Row) bool {
			over := overExpiry.MatchString(r.Live) || e.OwnClock && r.Settings["SESSION_COOKIE_AGE"] == 0.25
			return e.name() == cache && r.Script == "cycle" && over
		},
		like: func(r Row) Row {
			r.Script = "set b 2"
			return r
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.NewReplacer("=<live>", "=<new1>", `,"b":2`, "", "stored <live>", "deleted <live>\nstored <new1>").Replace(django)
		},
	},
	{
		why: "what is less than a microsecond is nothing in Go: the session is over one way or the other",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.inDatabase() && strings.Contains(r.Live, "1e-9") && r.Script == "set b 2"
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "until -0.9", "until -1.9", 1)
		},
	},
	{
		why: "promise 3: what Memcached cannot keep for so long it keeps until 2038; with Django it refuses that, and the session is lost",
		covers: func(e Engine, _ bool, r Row) bool {
			unkept := unkeptExpiry.MatchString(r.Live) || r.Settings["USE_TZ"] == false && naiveExpiry.MatchString(r.Live)
			return e.isMemcached() && unkept && (r.Script == "set b 2" || r.Script == "cycle")
		},
		like: func(r Row) Row {
			r.Script = "set b 2"
			return r
		},
		instead: func(_ Engine, r Row, django string) string {
			holds := strings.Replace(r.Live, ":1e9", ":1000000000.0", 1)
			until := fmt.Sprintf(" until ~%+d", math.MaxInt32-time.Now().Unix())
			switch {
			case !strings.Contains(django, "deleted <live>"): // an instant that Django cannot compare
				return django
			case r.Script == "cycle":
				django = strings.Replace(django, "=<live>", "=<new1>", 1)
				return strings.Replace(django, "deleted <live>", "deleted <live>\nstored <new1> "+holds+until, 1)
			}
			return strings.Replace(django, "deleted <live>", "stored <live> "+strings.TrimSuffix(holds, "}")+`,"b":2}`+until, 1)
		},
	},
	{
		why: "no cache in Go keeps anything for more than the 292 years of a time.Duration",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() == cache && !e.isMemcached() && longExpiry.MatchString(r.Live)
		},
		instead: func(e Engine, _ Row, django string) string {
			return until.ReplaceAllString(django, e.until(9223372035))
		},
	},
	{
		why: "promise 3: what is cached of a session and is none is passed over for its row",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() == cachedDB && e.Warm && damaged(r)
		},
		like: func(r Row) Row {
			r.Payload = ""
			return r
		},
	},
	{
		why: "promise 3: a row that cannot be trusted is not written over, though the cache has what it should hold",
		covers: func(e Engine, _ bool, r Row) bool {
			writes := slices.Contains([]string{"set b 2", "clear; set b 2"}, r.Script) || r.Settings["SESSION_SAVE_EVERY_REQUEST"] == true
			return e.name() == cachedDB && e.Warm && r.Payload == "other secret" && writes
		},
		instead: always("status 500"),
	},
	{
		why: "nor is it deleted by who gives it another key",
		covers: func(e Engine, overwrite bool, r Row) bool {
			return !overwrite && e.name() == cachedDB && e.Warm && r.Payload == "other secret" && r.Script == "cycle"
		},
		instead: always("status 500", "Vary: Cookie"),
	},
}

var (
	// overExpiry finds expiries that are over when they are written.
	overExpiry = regexp.MustCompile(`_session_expiry":((-5|-1209600|-0\.25|-1\.5|0\.25|1e-9)}|"200)`)
	// longExpiry finds those that are further away than a time.Duration, and not too far for a cookie.
	longExpiry = regexp.MustCompile(`_session_expiry":(99999999999|"9999-12-31T23:59:59\+)`)
	// unkeptExpiry finds those after 2038, naiveExpiry those without an offset, which count with USE_TZ off.
	unkeptExpiry = regexp.MustCompile(`_session_expiry":(1e9|99999999999|"9999-12-31T23:59:59\+|"2099-12-31[^"]*(Z|[-+]\d\d:\d\d)"|"20991231T)`)
	naiveExpiry  = regexp.MustCompile(`_session_expiry":"2099-12-31(T[0-9:.]*)?"`)
	until        = regexp.MustCompile(` until ~?[-+][0-9.]+`)
)
