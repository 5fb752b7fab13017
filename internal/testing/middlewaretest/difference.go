package middlewaretest

import (
	"regexp"
	"slices"
	"strings"
)

// A difference is a place where djsess on purpose does not do what Django does. DESIGN.md has the promises.
type difference struct {
	why string
	// covers tells whether the row is such a place. It may cover rows in which the difference does not show.
	covers func(e Engine, overwrite bool, r Row) bool
	// like is the row that this one is to Go. Default: itself.
	like func(r Row) Row
	// instead is the outcome in Go, given Django's. Default: that.
	instead func(e Engine, r Row, django string) string
}

// differences are those of all engines, and then those that caches make.
var differences = slices.Concat(foreignDifferences, sessionDifferences, cacheDifferences, unknownDifferences)

var sessionDifferences = []difference{
	{
		why: "promise 3: a payload that cannot be trusted is an error to whoever asks for the session, and nothing changes",
		covers: func(e Engine, _ bool, r Row) bool {
			return untrusted(e, r) && r.Script != "" && !unlooked.MatchString(r.Script)
		},
		instead: func(_ Engine, r Row, _ string) string {
			if cookie, found := strings.CutPrefix(r.Script, "cookie "); found { // of the view's own, which goes out with any status
				cookie, _, _ = strings.Cut(cookie, ";")
				return lines("status 500", "Set-Cookie: "+cookie+"; Path=/", "Vary: Cookie")
			}
			return lines("status 500", "Vary: Cookie")
		},
	},
	{
		why: "promise 3: nor is it saved over because every request saves",
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
		why: "promise 3: Django moves a session to a new key before it finds that it can write no cookie for this expiry, and so loses it",
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
		why: "promise 2: a session that was deleted meanwhile is not brought back under another key",
		covers: func(_ Engine, overwrite bool, r Row) bool {
			return !overwrite && r.Script == "get a; them flush; cycle"
		},
		instead: always("status 400", "saw get a = 1", "Vary: Cookie", "deleted <live>"),
	},
	{
		why: "promise 2: what somebody else wrote meanwhile stays",
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
		why: "promise 3: a session that has moved to another key already keeps its visitor, though the response is a 5xx; Django loses him",
		covers: func(e Engine, _ bool, r Row) bool {
			fails := r.Status >= 500 || strings.Contains(r.Script, "raise 500")
			return e.name() != signedCookies && fails && r.Cookie == "sessionid={live}" && strings.Contains(r.Script, "cycle") && r.Payload == "" && r.Live == `{"a":1}`
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "Vary: ", "Set-Cookie: "+newCookie+"\nVary: ", 1)
		},
	},
	{
		why: "promise 3: who answers with a session cookie of his own, as a Django behind a proxy does, is not contradicted",
		covers: func(_ Engine, _ bool, r Row) bool {
			return r.Script == "cookie sessionid=mine"
		},
		instead: always("status 200", "Set-Cookie: sessionid=mine; Path=/"),
	},
	{
		why: "a deleted session is ErrSessionDeleted to who saves it, and Error answers that with 400; Django's view raises UpdateError, a 500",
		covers: func(_ Engine, _ bool, r Row) bool {
			return r.Script == "get a; them flush; save"
		},
		instead: func(_ Engine, _ Row, django string) string {
			return strings.Replace(django, "status 500", "status 400", 1)
		},
	},
	{
		why: "a view that saves before it looks, under a key that is not live, gets a new session; Django takes one of its own and then raises UpdateError",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() != signedCookies && r.Unknown && script(r) == "save"
		},
		instead: func(e Engine, r Row, _ string) string {
			return saying(r, "true", "true", "false", "Set-Cookie: "+newCookie, "Vary: Cookie", "stored <new1> {}"+e.until(1209600))
		},
	},
	{
		why: "the same, and ended again",
		covers: func(e Engine, _ bool, r Row) bool {
			return e.name() != signedCookies && r.Unknown && script(r) == "save; flush"
		},
		instead: func(_ Engine, r Row, _ string) string {
			return saying(r, "true", "true", "true", "Set-Cookie: "+deletedCookie, "Vary: Cookie")
		},
	},
	{
		why: "an expired file is left to clearsessions, and its visitor is one whose session is not there; Django deletes it and makes an empty one",
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

// isExpired tells whether the cookie is that of the session expired.
func isExpired(r Row) bool { return strings.Contains(r.Cookie, "{expired}") && r.Unknown }

// isDeadFile tells whether the session live is one that the file engine does not load.
func isDeadFile(r Row) bool {
	over := pastExpiry.MatchString(r.Live) && (r.Settings["USE_TZ"] != false || !strings.Contains(r.Live, "+00:00"))
	return strings.Contains(r.Cookie, "{live}") && !r.Unknown && (over || hasNoAge(r))
}

// hasNoAge tells whether the site has sessions end at once.
func hasNoAge(r Row) bool {
	age, ok := r.Settings["SESSION_COOKIE_AGE"].(float64)
	return ok && age < 1
}

var (
	pastExpiry = regexp.MustCompile(`_session_expiry":(-[0-9.]*[1-9]|"[01]\d\d\d-|"200)`)
	// These find expiries with which a store takes a session, though no cookie tells them: instants without an offset, which
	// cannot be compared with the time, and what is not between the years 1 and 9999. To a file any number is for ever,
	// and a server is told how many seconds, of which it cuts off what is less than none.
	instantExpiry = regexp.MustCompile(`_session_expiry":"(2099-12-31(T[0-9:.]*)?|0001-01-01T00:00:00\+00:00)"`)
	fileExpiry    = regexp.MustCompile(`_session_expiry":(\d{12,}|1e400|NaN|"2099-12-31(T[0-9:.]*)?"|"9999-12-31T23:59:59-)`)
	serverExpiry  = regexp.MustCompile(`_session_expiry":(-?\d{12,}|"0001-01-01T|"9999-12-31T23:59:59-)`)
	// unlooked finds scripts that do not ask for the session.
	unlooked = regexp.MustCompile(`^(raise [^;]*|cookie [^;]*)$`)
)

// unseen finds scripts that do away with what is there before they look.
var unseen = regexp.MustCompile(`^(clear|flush|cookie [^;]*; (clear|flush))`)

// What Django sets and deletes with its default settings.
const (
	newCookie     = "sessionid=<new1>; expires=+1209600; HttpOnly; Max-Age=1209600; Path=/; SameSite=Lax"
	deletedCookie = `sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax`
)

// flags end the script of a row that asks for them.
const flags = "; accessed?; modified?; empty?"

// script is a row's without the flags.
func script(r Row) string { return strings.TrimSuffix(r.Script, flags) }

// saying is a good outcome, with the flags if the row asks for them.
func saying(r Row, accessed, modified, empty string, rest ...string) string {
	text := []string{"status 200"}
	if strings.HasSuffix(r.Script, flags) {
		text = append(text, "saw accessed? = "+accessed, "saw modified? = "+modified, "saw empty? = "+empty)
	}
	return lines(append(text, rest...)...)
}

// untrusted tells whether the cookie is that of a session whose payload cannot be trusted. Under 8 characters it is no
// key at all, even where the payload is the key.
func untrusted(e Engine, r Row) bool {
	switch e.name() {
	case signedCookies:
		return r.Payload == "list" // all others are empty sessions once the store is proven: see unknownDifferences
	case cache:
		return damaged(r)
	case cachedDB:
		if e.Warm {
			return false // as long as one does not write
		}
	}
	return r.Payload != "" && r.Payload != "fallback"
}

// damaged tells whether the payload is damaged even where nothing is signed.
func damaged(r Row) bool {
	return !slices.Contains([]string{"", "fallback", "other secret"}, r.Payload)
}

// merged are scripts that end in a save that meets somebody else's, with what Django stores and what we do.
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
	"get a; them set t 1":                 {`{"a":1}`, `{"a":1,"t":1}`}, // where every request saves
}

// differs returns the difference that covers a row, if any.
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
