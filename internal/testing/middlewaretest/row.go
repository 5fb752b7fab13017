package middlewaretest

import (
	"fmt"
	"slices"
	"strings"
)

// A Row is a request, the site's settings and sessions, and what the view does.
//
// The site has three sessions, last saved 100 seconds ago. The session live holds Live, the session other holds {"o":1},
// and the session expired holds {"e":1}.
type Row struct {
	Name string
	// Cookie are the request's Cookie headers, a line each. {live}, {other} and {expired} stand for the keys of these
	// sessions, and {unknown} for a key that the site does not have. {octal live} is the key in octal escapes,
	// {escaped live} has a backslash before each character, and {upper live} is in capitals.
	Cookie string
	// Unknown: no live session has the cookie's key. Default: whether the cookie is {unknown} or {expired}.
	Unknown bool
	// NoKey: the value of the session cookie is too short for a key.
	NoKey bool
	// Foreign: the session cookie has characters that no key has, or is too long for a key.
	Foreign bool
	// Script is what the view does with the session: statements divided by "; ". They are in testdata/middleware_peer.py
	// and statements.go. There are also:
	//
	//	them set b 2      another request does this to the session live
	//	cookie name=value the view sets a cookie itself
	//	raise 404         the view raises an exception that Django answers with 404
	//
	// An empty script does not use the session.
	Script string
	// Settings are Django's, by their names.
	Settings map[string]any
	// Live is what the session live holds, as JSON. Default: {"a":1}.
	Live string
	// Payload says what is wrong with the stored text of the session live: "tampered", "other secret", "list" (with a good
	// signature, but no dict), or the text itself. "fallback" is a good text, signed with the first of SECRET_KEY_FALLBACKS.
	Payload string
	// Status is the status of the view's response. Default: 200.
	Status int
	// Vary are the Vary headers that the view sets.
	Vary []string
	// Method is the method of the request. Default: GET.
	Method string
}

// Rows returns the table.
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

// cookieLines returns the request's Cookie headers, with the keys filled in.
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
