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
			over := overExpiry.MatchString(r.Live) || e.OwnClock && hasNoAge(r)
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

// A Go service may be set up for another store than the site's, where every visitor's key is unknown. So it leaves the
// cookie of an unknown key to Django, unless the handler ends the session or needs a new one.

// foreignDifferences are cookies that hold no session key at all.
var foreignDifferences = []difference{
	{
		why: "promise 3: a cookie that can hold no key of the store's is something of the site's own, and no session replaces it",
		covers: func(e Engine, _ bool, r Row) bool {
			return r.Foreign && e.name() != signedCookies && r.Script != "" && !reads(r.Script)
		},
		instead: func(_ Engine, r Row, _ string) string {
			if r.Script == "cycle" || r.Script == "flush" { // an error that the handler answers with
				return lines("status 500", "Vary: Cookie")
			}
			return lines("status 500")
		},
	},
}

// unknownDifferences are cookies of sessions that the store does not have.
var unknownDifferences = []difference{
	{
		why: "a session that is not there is not there, whether or not the handler looks before it clears it; Django saves it under the old key",
		covers: func(e Engine, _ bool, r Row) bool {
			return isGone(e, r) && unseenChange.MatchString(r.Script)
		},
		like: func(r Row) Row {
			r.Script = unseenChange.ReplaceAllString(r.Script, "${1}expiry null; $2") // which looks, and no more
			return r
		},
		instead: func(_ Engine, r Row, django string) string {
			if strings.HasPrefix(r.Script, "them flush") {
				return django
			}
			return deletedDead.ReplaceAllString(django, "")
		},
	},
	{
		why: "promise 3: a request that only reads takes no cookie away",
		covers: func(e Engine, _ bool, r Row) bool {
			return (isGone(e, r) || r.NoKey) && reads(r.Script)
		},
		instead: func(e Engine, r Row, django string) string {
			text := setSession.ReplaceAllString(django, "")
			if !accesses(r.Script) {
				text = varyLine.ReplaceAllString(text, "")
				if len(r.Vary) > 0 {
					text += lines("Vary: " + strings.Join(r.Vary, ", "))
				}
			}
			if e.name() == signedCookies {
				text = strings.NewReplacer("modified? = true", "modified? = false", "empty? = false", "empty? = true").Replace(noKey(text))
			}
			return text
		},
	},
	{
		why: "a signed cookie that does not verify has no key any more, and one that is emptied is deleted; Django sends an empty one",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() == signedCookies && isGone(e, r) && (endsEmpty.MatchString(r.Script) || strings.HasPrefix(r.Script, "set b 2; key"))
		},
		instead: func(_ Engine, r Row, django string) string {
			if endsEmpty.MatchString(r.Script) {
				django = setSession.ReplaceAllString(django, "Set-Cookie: "+deletedCookie+"\n")
				return strings.Replace(django, "empty? = false", "empty? = true", 1)
			}
			return noKey(django)
		},
	},
	{
		why: "the row of a dead session is left to clearsessions",
		covers: func(e Engine, _ bool, r Row) bool {
			return slices.Contains([]string{db, cachedDB, file}, e.name()) && (isExpired(r) || e.name() == file && isDeadFile(r)) && strings.Contains(r.Script, "flush")
		},
		instead: func(_ Engine, _ Row, django string) string { return deletedDead.ReplaceAllString(django, "") },
	},
}

// isGone tells whether there is no session of the cookie's key when the view looks.
func isGone(e Engine, r Row) bool {
	refused := e.name() == signedCookies && (r.Payload != "" && r.Payload != "fallback" || hasNoAge(r))
	dead := e.name() == file && isDeadFile(r) || e.OwnClock && hasNoAge(r)
	return r.Unknown || refused || dead || strings.HasPrefix(r.Script, "them flush; ")
}

// reads tells whether a script changes nothing of a session that holds nothing.
func reads(script string) bool {
	for statement := range strings.SplitSeq(strings.TrimSuffix(script, flags), "; ") {
		op, rest, _ := strings.Cut(statement, " ")
		switch {
		case slices.Contains([]string{
			"", "session", "get", "item", "has", "keys", "items", "del", "pop", "key", "age?", "date?", "browser-close?",
			"accessed?", "modified?", "empty?", "delete-test-cookie", "test-cookie?", "raise",
		}, op):
		case statement == "expiry null", statement == "modified false", statement == "them flush":
		case op == "cookie" && !strings.HasPrefix(rest, "sessionid="):
		default:
			return false
		}
	}
	return true
}

var (
	// unseenChange finds scripts that change a session before anything has loaded it.
	unseenChange = regexp.MustCompile(`^(them flush; )?(clear|modified true)`)
	deletedDead  = regexp.MustCompile(`deleted <(expired|live)>\n`)
	varyLine     = regexp.MustCompile(`Vary: .*\n`)
	// setSession finds the session's cookie, deleted or new, and what is stored for it.
	setSession = regexp.MustCompile(`(Set-Cookie: \S+?=(""|<new1>|<\{\}>);.*|stored <new1> .*)\n`)
	// endsEmpty finds scripts that change a session and leave nothing in it.
	endsEmpty = regexp.MustCompile(`^((expiry null; |get a; |set b 2; )?(clear|modified true)(; get a)?|set b 2; del b|update \{\}|expiry 300; expiry null|set-test-cookie; .*delete-test-cookie)(; accessed.*)?$`)
	sawKey    = regexp.MustCompile(`saw key = <\w+>`)
)

// noKey is an outcome in which the session had no key.
func noKey(django string) string { return sawKey.ReplaceAllString(django, "saw key = null") }
