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
		why: "an expired session that gets another key stays expired; Django stores it twice, and then takes it for deleted",
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
		why: "Go rounds less than a microsecond to 0. The session has expired in both",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.inDatabase() && strings.Contains(r.Live, "1e-9") && r.Script == "set b 2"
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "until -0.9", "until -1.9", 1)
		},
	},
	{
		why: "Memcached keeps nothing beyond 2038, so Go stores the session until then; Django sends the later time, which Memcached refuses, and the session is lost",
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
			case !strings.Contains(django, "deleted <live>"): // a time that Django cannot compare
				return django
			case r.Script == "cycle":
				django = strings.Replace(django, "=<live>", "=<new1>", 1)
				return strings.Replace(django, "deleted <live>", "deleted <live>\nstored <new1> "+holds+until, 1)
			}
			return strings.Replace(django, "deleted <live>", "stored <live> "+strings.TrimSuffix(holds, "}")+`,"b":2}`+until, 1)
		},
	},
	{
		why: "a cache in Go keeps nothing longer than 292 years, the largest time.Duration",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() == cache && !e.isMemcached() && longExpiry.MatchString(r.Live)
		},
		instead: func(e Engine, _ Row, django string) string {
			return until.ReplaceAllString(django, e.until(9223372035))
		},
	},
	{
		why: "if the cached value is damaged, Go reads the row",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() == cachedDB && e.Warm && damaged(r)
		},
		like: func(r Row) Row {
			r.Payload = ""
			return r
		},
	},
	{
		why: "a row that cannot be trusted is not overwritten, even if the cached value is good",
		covers: func(e Engine, _ bool, r Row) bool {
			writes := slices.Contains([]string{"set b 2", "clear; set b 2"}, r.Script) || r.Settings["SESSION_SAVE_EVERY_REQUEST"] == true
			return e.name() == cachedDB && e.Warm && r.Payload == "other secret" && writes
		},
		instead: always("status 500"),
	},
	{
		why: "a row that cannot be trusted is not deleted when its session gets another key",
		covers: func(e Engine, overwrite bool, r Row) bool {
			return !overwrite && e.name() == cachedDB && e.Warm && r.Payload == "other secret" && r.Script == "cycle"
		},
		instead: always("status 500", "Vary: Cookie"),
	},
}

var (
	// overExpiry matches expiries that have passed when they are written.
	overExpiry = regexp.MustCompile(`_session_expiry":((-5|-1209600|-0\.25|-1\.5|0\.25|1e-9)}|"200)`)
	// longExpiry matches those that are beyond a time.Duration, and that a cookie can have.
	longExpiry = regexp.MustCompile(`_session_expiry":(99999999999|"9999-12-31T23:59:59\+)`)
	// unkeptExpiry matches those after 2038. naiveExpiry matches those without an offset, which count if USE_TZ is off.
	unkeptExpiry = regexp.MustCompile(`_session_expiry":(1e9|99999999999|"9999-12-31T23:59:59\+|"2099-12-31[^"]*(Z|[-+]\d\d:\d\d)"|"20991231T)`)
	naiveExpiry  = regexp.MustCompile(`_session_expiry":"2099-12-31(T[0-9:.]*)?"`)
	until        = regexp.MustCompile(` until ~?[-+][0-9.]+`)
)

// If a Go service is configured for a wrong store, every visitor's key is unknown there. So it leaves a cookie with an
// unknown key as it is, unless the handler flushes the session or needs a new one.

// foreignDifferences are those of cookies that hold no session key.
var foreignDifferences = []difference{
	{
		why: "a cookie that cannot be a session key is the site's own, and no session replaces it",
		covers: func(e Engine, _ bool, r Row) bool {
			return r.Foreign && e.name() != signedCookies && r.Script != "" && !reads(r.Script)
		},
		instead: func(_ Engine, r Row, _ string) string {
			if r.Script == "cycle" || r.Script == "flush" { // the handler returns the error
				return lines("status 500", "Vary: Cookie")
			}
			return lines("status 500")
		},
	},
}

// unknownDifferences are those of cookies whose session is not in the store.
var unknownDifferences = []difference{
	{
		why: "a missing session is missing even if the handler clears it without reading it; Django saves it under the old key",
		covers: func(e Engine, _ bool, r Row) bool {
			return isGone(e, r) && unseenChange.MatchString(r.Script)
		},
		like: func(r Row) Row {
			r.Script = unseenChange.ReplaceAllString(r.Script, "${1}expiry null; $2") // which loads the session and changes nothing
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
		why: "a request that only reads deletes no cookie",
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
		why: "after a signed cookie that does not verify, the session has no key. If it ends empty, Go deletes the cookie; Django sends an empty one",
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
		why: "an expired row or file stays for clearsessions",
		covers: func(e Engine, _ bool, r Row) bool {
			return slices.Contains([]string{db, cachedDB, file}, e.name()) && (isExpired(r) || e.name() == file && isDeadFile(r)) && strings.Contains(r.Script, "flush")
		},
		instead: func(_ Engine, _ Row, django string) string { return deletedDead.ReplaceAllString(django, "") },
	},
}

// isGone reports whether the session of the cookie is missing when the view loads it.
func isGone(e Engine, r Row) bool {
	refused := e.name() == signedCookies && (r.Payload != "" && r.Payload != "fallback" || hasNoAge(r))
	dead := e.name() == file && isDeadFile(r) || e.OwnClock && hasNoAge(r)
	return r.Unknown || refused || dead || strings.HasPrefix(r.Script, "them flush; ")
}

// reads reports whether a script does not change an empty session.
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
	// unseenChange matches scripts that change a session which nothing has loaded.
	unseenChange = regexp.MustCompile(`^(them flush; )?(clear|modified true)`)
	deletedDead  = regexp.MustCompile(`deleted <(expired|live)>\n`)
	varyLine     = regexp.MustCompile(`Vary: .*\n`)
	// setSession matches the session's cookie, deleted or new, and the new session in the store.
	setSession = regexp.MustCompile(`(Set-Cookie: \S+?=(""|<new1>|<\{\}>);.*|stored <new1> .*)\n`)
	// endsEmpty matches scripts that change a session and leave it empty.
	endsEmpty = regexp.MustCompile(`^((expiry null; |get a; |set b 2; )?(clear|modified true)(; get a)?|set b 2; del b|update \{\}|expiry 300; expiry null|set-test-cookie; .*delete-test-cookie)(; accessed.*)?$`)
	sawKey    = regexp.MustCompile(`saw key = <\w+>`)
)

// noKey returns an outcome in which the view saw no key.
func noKey(django string) string { return sawKey.ReplaceAllString(django, "saw key = null") }
