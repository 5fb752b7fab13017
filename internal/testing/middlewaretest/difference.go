package middlewaretest

import (
	"regexp"
	"slices"
	"strings"
)

// A difference is a kind of request on which djsess intentionally does not do what Django does.
type difference struct {
	why string
	// covers reports whether the row is such a request. It may also cover rows on which both do the same.
	covers func(e Engine, overwrite bool, r Row) bool
	// like returns another row, whose outcome in Django Go has on this row. Default: this row.
	like func(r Row) Row
	// instead returns the outcome in Go, given the outcome in Django. Default: the same.
	instead func(e Engine, r Row, django string) string
}

// differences are all of them. The first one that covers a row counts.
var differences = slices.Concat(foreignDifferences, sessionDifferences, cacheDifferences, unknownDifferences)

var sessionDifferences = []difference{
	{
		why: "a payload that cannot be trusted is an error when the handler asks for the session, and nothing changes",
		covers: func(e Engine, _ bool, r Row) bool {
			return untrusted(e, r) && r.Script != "" && !unlooked.MatchString(r.Script)
		},
		instead: func(_ Engine, r Row, _ string) string {
			if cookie, found := strings.CutPrefix(r.Script, "cookie "); found { // a cookie of the view, which is sent with any status
				cookie, _, _ = strings.Cut(cookie, ";")
				return lines("status 500", "Set-Cookie: "+cookie+"; Path=/", "Vary: Cookie")
			}
			return lines("status 500", "Vary: Cookie")
		},
	},
	{
		why: "SESSION_SAVE_EVERY_REQUEST does not overwrite a payload that cannot be trusted",
		covers: func(e Engine, _ bool, r Row) bool {
			looks := r.Script != "" && !unlooked.MatchString(r.Script)
			return untrusted(e, r) && !looks && r.Settings["SESSION_SAVE_EVERY_REQUEST"] == true
		},
		instead: func(_ Engine, r Row, _ string) string {
			status := "200"
			if raised, found := strings.CutPrefix(r.Script, "raise "); found {
				status = strings.Replace(raised, "bad", "400", 1)
			}
			return lines("status " + status)
		},
	},
	{
		why: "Django moves the session to a new key, and then cannot write a cookie with this expiry: the session is lost. Go moves nothing",
		covers: func(e Engine, _ bool, r Row) bool {
			storable := map[string]*regexp.Regexp{db: instantExpiry, cachedDB: instantExpiry, file: fileExpiry}[e.name()]
			if e.name() == cache && e.OwnClock {
				storable = serverExpiry
			}
			return storable != nil && r.Script == "cycle" && storable.MatchString(r.Live)
		},
		instead: always("status 500", "Vary: Cookie"),
	},
	{
		why: "a session that another request has deleted is not stored again under another key",
		covers: func(_ Engine, overwrite bool, r Row) bool {
			return !overwrite && r.Script == "get a; them flush; cycle"
		},
		instead: always("status 400", "saw get a = 1", "Vary: Cookie", "deleted <live>"),
	},
	{
		why: "a concurrent write is kept",
		covers: func(_ Engine, overwrite bool, r Row) bool {
			return !overwrite && merged[r.Script] != nil
		},
		instead: func(e Engine, r Row, django string) string {
			text := strings.NewReplacer(merged[r.Script]...).Replace(django)
			if strings.Contains(r.Script, "them expiry 300") {
				text = until.ReplaceAllString(text, e.until(300))
			}
			return text
		},
	},
	{
		why: "after CycleKey the visitor gets the new key, even with a 5xx response; Django sends no cookie, and logs the visitor out",
		covers: func(e Engine, _ bool, r Row) bool {
			fails := r.Status >= 500 || strings.Contains(r.Script, "raise 500")
			return e.name() != signedCookies && fails && r.Cookie == "sessionid={live}" && strings.Contains(r.Script, "cycle") && r.Payload == "" && r.Live == `{"a":1}`
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "Vary: ", "Set-Cookie: "+newCookie+"\nVary: ", 1)
		},
	},
	{
		why: "if the handler has set a session cookie itself, as a proxy for Django does, Go sets none",
		covers: func(_ Engine, _ bool, r Row) bool {
			return r.Script == "cookie sessionid=mine"
		},
		instead: always("status 200", "Set-Cookie: sessionid=mine; Path=/"),
	},
	{
		why: "saving a deleted session is an ErrSessionDeleted, which Error answers with 400; Django's view raises UpdateError, a 500",
		covers: func(_ Engine, _ bool, r Row) bool {
			return r.Script == "get a; them flush; save"
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "status 500", "status 400", 1)
		},
	},
	{
		why: "a view that saves a session it has not read, under a key that is not live, gets a new session; Django makes a new one and then raises UpdateError",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() != signedCookies && r.Unknown && script(r) == "save"
		},
		instead: func(e Engine, r Row, _ string) string {
			return saying(r, "true", "true", "false", "Set-Cookie: "+newCookie, "Vary: Cookie", "stored <new1> {}"+e.until(1209600))
		},
	},
	{
		why: "the same, and then the view flushes the new session",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() != signedCookies && r.Unknown && script(r) == "save; flush"
		},
		instead: func(_ Engine, r Row, _ string) string {
			return saying(r, "true", "true", "true", "Set-Cookie: "+deletedCookie, "Vary: Cookie")
		},
	},
	{
		why: "an expired file stays for clearsessions, and its session counts as missing; Django deletes the file and makes an empty one",
		covers: func(e Engine, _ bool, r Row) bool {
			looks := r.Script != "" && !unlooked.MatchString(r.Script) || r.Settings["SESSION_SAVE_EVERY_REQUEST"] == true
			return e.name() == file && (isExpired(r) || isDeadFile(r)) && looks && !unseen.MatchString(r.Script)
		},
		like: func(r Row) Row {
			r.Cookie = strings.NewReplacer("{expired}", "{unknown}", "{live}", "{unknown}").Replace(r.Cookie)
			r.Live, r.Unknown = `{"a":1}`, true
			return r
		},
	},
}

// The engines that differ.
const (
	db            = "django.contrib.sessions.backends.db"
	file          = "django.contrib.sessions.backends.file"
	signedCookies = "django.contrib.sessions.backends.signed_cookies"
	cache         = "django.contrib.sessions.backends.cache"
	cachedDB      = "django.contrib.sessions.backends.cached_db"
)

// isExpired reports whether the cookie holds the key of the expired session.
func isExpired(r Row) bool { return strings.Contains(r.Cookie, "{expired}") && r.Unknown }

// isDeadFile reports whether the file engine takes the live session for expired.
func isDeadFile(r Row) bool {
	over := pastExpiry.MatchString(r.Live) && (r.Settings["USE_TZ"] != false || !strings.Contains(r.Live, "+00:00"))
	return strings.Contains(r.Cookie, "{live}") && !r.Unknown && (over || hasNoAge(r))
}

// hasNoAge reports whether SESSION_COOKIE_AGE makes sessions expire at once.
func hasNoAge(r Row) bool {
	age, ok := r.Settings["SESSION_COOKIE_AGE"].(float64)
	return ok && age < 1
}

var (
	pastExpiry = regexp.MustCompile(`_session_expiry":(-[0-9.]*[1-9]|"[01]\d\d\d-|"200)`)
	// These match expiries that a store accepts and a cookie cannot have: times without an offset, which cannot be compared
	// with the current time, and times outside of the years 1 to 9999. A file never expires by a number. A cache server
	// gets a number of seconds, and takes a negative one for 0.
	instantExpiry = regexp.MustCompile(`_session_expiry":"(2099-12-31(T[0-9:.]*)?|0001-01-01T00:00:00\+00:00)"`)
	fileExpiry    = regexp.MustCompile(`_session_expiry":(\d{12,}|1e400|NaN|"2099-12-31(T[0-9:.]*)?"|"9999-12-31T23:59:59-)`)
	serverExpiry  = regexp.MustCompile(`_session_expiry":(-?\d{12,}|"0001-01-01T|"9999-12-31T23:59:59-)`)
	// unlooked matches scripts that do not use the session.
	unlooked = regexp.MustCompile(`^(raise [^;]*|cookie [^;]*)$`)
)

// unseen matches scripts that drop the session's values without reading them.
var unseen = regexp.MustCompile(`^(clear|flush|cookie [^;]*; (clear|flush))`)

// The cookies by which Django sets and deletes a session with its default settings.
const (
	newCookie     = "sessionid=<new1>; expires=+1209600; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax"
	deletedCookie = `sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`
)

// flags is the end of a script that also reports the flags of the session.
const flags = "; accessed?; modified?; empty?"

// script returns the script of a row without the flags.
func script(r Row) string { return strings.TrimSuffix(r.Script, flags) }

// saying returns an outcome of status 200, with the flags if the row's script reports them.
func saying(r Row, accessed, modified, empty string, rest ...string) string {
	text := []string{"status 200"}
	if strings.HasSuffix(r.Script, flags) {
		text = append(text, "saw accessed? = "+accessed, "saw modified? = "+modified, "saw empty? = "+empty)
	}
	return lines(append(text, rest...)...)
}

// untrusted reports whether the cookie is that of a session whose payload cannot be trusted. A value of fewer than 8
// characters is no key, also for signed cookies, where the payload is the key.
func untrusted(e Engine, r Row) bool {
	switch e.name() {
	case signedCookies:
		return r.Payload == "list" // all others are empty sessions once the store is proven: see unknownDifferences
	case cache:
		return damaged(r)
	case cachedDB:
		if e.Warm {
			return false // unless the script writes
		}
	}
	return r.Payload != "" && r.Payload != "fallback"
}

// damaged reports whether the payload is also damaged in a store that signs nothing.
func damaged(r Row) bool {
	return !slices.Contains([]string{"", "fallback", "other secret"}, r.Payload)
}

// merged are scripts whose last save conflicts with a concurrent one: what Django stores, and what Go stores instead.
var merged = map[string][]string{
	"get a; them set t 1; set b 2":        {`{"a":1,"b":2}`, `{"a":1,"t":1,"b":2}`},
	"get a; them set a 7; add a 2":        {`{"a":3}`, `{"a":9}`},
	"get a; them del a; set b 2":          {`{"a":1,"b":2}`, `{"b":2}`},
	"get a; them set t 1; setdefault t 2": {`{"a":1,"t":2}`, `{"a":1,"t":1}`},
	"get a; them set t 1; modified true":  {`{"a":1}`, `{"a":1,"t":1}`},
	"get a; them set t 1; expiry 300":     {`{"a":1,"_session_expiry":300}`, `{"a":1,"t":1,"_session_expiry":300}`},
	"get a; them expiry 300; set b 2": {
		`{"a":1,"b":2}`, `{"a":1,"_session_expiry":300,"b":2}`,
		"=+1209600; HttpOnly; Max-Age=1209600", "=+300; HttpOnly; Max-Age=300"},
	"get a; them set t 1; cycle":          {`{"a":1}`, `{"a":1,"t":1}`},
	"get a; them set t 1; set b 2; cycle": {`{"a":1,"b":2}`, `{"a":1,"t":1,"b":2}`},
	"get a; them set t 1; save; get t":    {`{"a":1}`, `{"a":1,"t":1}`, "get t = null", "get t = 1"},
	"get a; them clear; set b 2":          {`{"a":1,"b":2}`, `{"b":2}`},
	"get a; them set t 1":                 {`{"a":1}`, `{"a":1,"t":1}`}, // with SESSION_SAVE_EVERY_REQUEST
}

// differs returns the difference that covers a row, or nil.
func differs(e Engine, overwrite bool, r Row) *difference {
	for i := range differences {
		if d := &differences[i]; d.covers(e, overwrite, r) {
			return d
		}
	}
	return nil
}

func always(text ...string) func(Engine, Row, string) string {
	return func(Engine, Row, string) string { return lines(text...) }
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }
