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
	covers func(engine string, overwrite bool, r Row) bool
	// instead is the outcome in Go, given Django's.
	instead func(r Row, django string) string
}

var differences = []difference{
	{
		why: "promise 3: a payload that cannot be trusted is an error to whoever asks for the session, and nothing changes",
		covers: func(_ string, _ bool, r Row) bool {
			return untrusted(r) && r.Script != "" && !strings.HasPrefix(r.Script, "raise")
		},
		instead: always("status 500", "Vary: Cookie"),
	},
	{
		why: "promise 3: nor is it saved over because every request saves",
		covers: func(_ string, _ bool, r Row) bool {
			return untrusted(r) && r.Script == "" && r.Settings["SESSION_SAVE_EVERY_REQUEST"] == true
		},
		instead: always("status 200"),
	},
	{
		why: "promise 3: Django moves a session to a new key before it finds that it can write no cookie for this expiry, and so loses it",
		covers: func(_ string, _ bool, r Row) bool {
			return r.Script == "cycle" && naiveExpiry.MatchString(r.Live)
		},
		instead: always("status 500", "Vary: Cookie"),
	},
	{
		why: "promise 2: a session that was deleted meanwhile is not brought back under another key",
		covers: func(_ string, overwrite bool, r Row) bool {
			return !overwrite && r.Script == "get a; them flush; cycle"
		},
		instead: always("status 400", "saw get a = 1", "Vary: Cookie", "deleted <live>"),
	},
	{
		why: "promise 2: what somebody else wrote meanwhile stays",
		covers: func(_ string, overwrite bool, r Row) bool {
			return !overwrite && merged[r.Script] != nil
		},
		instead: func(r Row, django string) string {
			return strings.NewReplacer(merged[r.Script]...).Replace(django)
		},
	},
	{
		why: "a deleted session is ErrSessionDeleted to who saves it, and Error answers that with 400; Django's view raises UpdateError, a 500",
		covers: func(_ string, _ bool, r Row) bool {
			return r.Script == "get a; them flush; save"
		},
		instead: func(_ Row, django string) string { return strings.Replace(django, "status 500", "status 400", 1) },
	},
	{
		why: "a view that saves before it looks, under a key that is not live, gets a new session; Django takes one of its own and then raises UpdateError",
		covers: func(_ string, _ bool, r Row) bool {
			return r.Unknown && script(r) == "save"
		},
		instead: func(r Row, _ string) string {
			return saying(r, "true", "true", "false", "Set-Cookie: "+newCookie, "Vary: Cookie", "stored <new1> {} until +1209600")
		},
	},
	{
		why: "the same, and ended again",
		covers: func(_ string, _ bool, r Row) bool {
			return r.Unknown && script(r) == "save; flush"
		},
		instead: func(r Row, _ string) string {
			return saying(r, "true", "true", "true", "Set-Cookie: "+deletedCookie, "Vary: Cookie")
		},
	},
	{
		why: "one that cleared it before learns that it is gone, and answers that with 400; so does Error",
		covers: func(_ string, _ bool, r Row) bool {
			return r.Unknown && script(r) == "clear; save"
		},
		instead: always("status 400"),
	},
	{
		why: "promise 2: a dead session is not brought back under its old key by who clears it before looking",
		covers: func(_ string, _ bool, r Row) bool {
			return strings.Contains(r.Cookie, "{expired}") && r.Unknown && slices.Contains([]string{"clear", "clear; set b 2", "clear; get a"}, script(r))
		},
		instead: func(_ Row, django string) string { return clearedDead(django) },
	},
}

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

// clearedDead is a 400 that says what the view saw, and nothing else.
func clearedDead(django string) string {
	kept := []string{"status 400"}
	for line := range strings.Lines(django) {
		if strings.HasPrefix(line, "saw ") {
			kept = append(kept, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines(kept...)
}

// untrusted tells whether the cookie is that of a session whose payload cannot be trusted.
func untrusted(r Row) bool { return r.Payload != "" && r.Payload != "fallback" }

// naiveExpiry finds an instant without an offset, which Django can store but not compare with the time.
var naiveExpiry = regexp.MustCompile(`_session_expiry":"2099-12-31(T[0-9:.]*)?"`)

// merged are scripts that end in a save that meets somebody else's, with what Django stores and what we do.
var merged = map[string][]string{
	"get a; them set t 1; set b 2":        {`{"a":1,"b":2}`, `{"a":1,"t":1,"b":2}`},
	"get a; them set a 7; add a 2":        {`{"a":3}`, `{"a":9}`},
	"get a; them del a; set b 2":          {`{"a":1,"b":2}`, `{"b":2}`},
	"get a; them set t 1; setdefault t 2": {`{"a":1,"t":2}`, `{"a":1,"t":1}`},
	"get a; them set t 1; modified true":  {`{"a":1}`, `{"a":1,"t":1}`},
	"get a; them set t 1; expiry 300":     {`{"a":1,"_session_expiry":300}`, `{"a":1,"t":1,"_session_expiry":300}`},
	"get a; them expiry 300; set b 2": {
		`{"a":1,"b":2} until +1209600`, `{"a":1,"_session_expiry":300,"b":2} until +300`},
	"get a; them set t 1; cycle":          {`{"a":1}`, `{"a":1,"t":1}`},
	"get a; them set t 1; set b 2; cycle": {`{"a":1,"b":2}`, `{"a":1,"t":1,"b":2}`},
	"get a; them set t 1; save; get t":    {`{"a":1}`, `{"a":1,"t":1}`, "get t = null", "get t = 1"},
	"get a; them clear; set b 2":          {`{"a":1,"b":2}`, `{"b":2}`},
	"get a; them set t 1":                 {`{"a":1}`, `{"a":1,"t":1}`}, // where every request saves
}

// differs returns the difference that covers a row, if any.
func differs(engine string, overwrite bool, r Row) *difference {
	for i := range differences {
		if d := &differences[i]; d.covers(engine, overwrite, r) {
			return d
		}
	}
	return nil
}

func always(text ...string) func(Row, string) string {
	return func(Row, string) string { return lines(text...) }
}

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }
