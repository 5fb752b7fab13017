package middlewaretest

import (
	"fmt"
	"slices"
	"strings"
)

// A Row is a request to a site with these settings and sessions, and what the view does.
//
// The site has three sessions, last saved 100 seconds ago: live, which holds Live, other, which holds {"o":1}, and
// expired, which holds {"e":1}.
type Row struct {
	Name string
	// Cookie is the request's Cookie header, a line each. {live}, {other} and {expired} stand for the keys of these
	// sessions, {unknown} for one that the site does not know; {octal live} and so on for the key in octal escapes,
	// {escaped live} with a backslash before each character, {upper live} in capitals.
	Cookie string
	// Unknown tells that the key in it is that of no live session. Default: as {unknown} or {expired} in it say.
	Unknown bool
	// NoKey tells that there is a session cookie, and that its value is too short to be a key.
	NoKey bool
	// Foreign tells that the session cookie holds characters, or more of them, than a key has.
	Foreign bool
	// Script is what the view does with the session, statements divided by "; ". testdata/middleware_peer.py and
	// statements.go have them. Besides:
	//
	//	them set b 2      somebody else does this to the session live, meanwhile
	//	cookie name=value the view sets a cookie of its own
	//	raise 404         the view raises an exception that is answered so
	//
	// An empty script does not even look at the session.
	Script string
	// Settings are Django's, by their names.
	Settings map[string]any
	// Live is what the session live holds, as JSON. Default: {"a":1}.
	Live string
	// Payload is what is wrong with the stored text of the session live: "tampered", "other secret", "list" (signed
	// well, but no dict), or the text itself. "fallback" is signed with the first of SECRET_KEY_FALLBACKS, and so good.
	Payload string
	// Status is the view's. Default: 200.
	Status int
	// Vary are the lines of the view's own header.
	Vary []string
	// Method is the request's. Default: GET.
	Method string
}

// Rows is the table.
func Rows() []Row {
	rows := slices.Concat(actionRows(), cookieRows(), statusRows(), settingRows(), expiryRows(), varyRows(), storeRows())
	for i := range rows {
		row := &rows[i]
		if strings.Contains(row.Cookie, "={unknown}") || strings.Contains(row.Cookie, "={expired}") {
			row.Unknown = !strings.HasSuffix(row.Cookie, "={live}")
		}
		row.NoKey = row.NoKey || strings.HasSuffix(row.Cookie, "=") || strings.HasSuffix(row.Cookie, "=short12")
		if row.Live == "" {
			row.Live = `{"a":1}`
		}
		if row.Status == 0 {
			row.Status = 200
		}
		if row.Method == "" {
			row.Method = "GET"
		}
	}
	return rows
}

// cookieLines are the request's Cookie lines, with the keys in them.
func (r Row) cookieLines(keys map[string]string) []string {
	if r.Cookie == "" {
		return nil
	}
	text := r.Cookie
	for name, key := range keys {
		text = strings.NewReplacer(
			"{"+name+"}", key,
			"{octal "+name+"}", escape(key, "\\%03o"),
			"{escaped "+name+"}", escape(key, "\\%c"),
			"{upper "+name+"}", strings.ToUpper(key),
		).Replace(text)
	}
	return strings.Split(text, "\n")
}

// escape writes each character of s in a format.
func escape(s, format string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, format, c)
	}
	return b.String()
}
