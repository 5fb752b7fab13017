package middlewaretest

import (
	"fmt"
	"slices"
	"strings"
)

// visitors are the kinds of session cookies that a visitor may bring.
var visitors = []struct{ name, cookie string }{
	{"no cookie", ""},
	{"live", "sessionid={live}"},
	{"unknown", "sessionid={unknown}"},
	{"expired", "sessionid={expired}"},
	{"empty", "sessionid="},
	{"short", "sessionid=short12"}, // Django takes no key under 8 characters
}

// scripts are the things that a view may do with the session.
var scripts = []string{
	"",
	"session",
	"get a", "get nope", "get nope 5", "item a", "item nope", "has a", "keys", "items",
	"set b 2", "set a 1", "set b 2; del b", `set b [1.0,"é",{"c":null}]`, "add a 2",
	"del a", "del nope", "pop a", "pop a 7", "pop nope", "pop nope 7",
	"setdefault a 9", "setdefault b 9",
	`update {"b":2,"c":3}`, "update {}",
	"clear", "clear; set b 2", "get a; clear", "set b 2; clear", "clear; get a",
	"flush", "flush; set b 2", "set b 2; flush", "flush; flush", "flush; get a",
	"cycle", "cycle; set b 2", "set b 2; cycle", "cycle; flush", "flush; cycle", "cycle; cycle", "clear; cycle",
	"modified true", "get a; modified true", "set b 2; modified false", "get a; modified false",
	"expiry 3600", "expiry 0", "expiry null", "expiry -5", "expiry 0.25", "expiry 3600.75", "browser-close",
	"expires-at 7200", "expires-at 7200.5", "expires-at -60", "expires-in 7200", "expires-in 0.05",
	"expiry 300; expiry null", "expiry 300; age?; date?; browser-close?", "age?; date?; browser-close?",
	"expires-at 7200.5; age?; date?", "browser-close; age?; browser-close?",
	"set-test-cookie", "set-test-cookie; test-cookie?; delete-test-cookie", "delete-test-cookie", "test-cookie?",
	"save", "get a; save", "set b 2; save", "set b 2; save; set c 3", "flush; save", "clear; save", "save; flush",
	"get a; key", "set b 2; key", "flush; key",
	"cookie other=1", "cookie other=1; set b 2", "cookie other=1; flush",
	"cookie sessionid=mine", "cookie sessionid=mine; set b 2", "cookie sessionid=mine; flush",
}

// actionRows are every visitor with every script.
func actionRows() []Row {
	var rows []Row
	for _, v := range visitors {
		for _, script := range scripts {
			rows = append(rows, Row{Name: v.name + ": " + orNothing(script), Cookie: v.cookie, Script: withState(script)})
		}
	}
	return rows
}

func orNothing(script string) string {
	if script == "" {
		return "nothing"
	}
	return script
}

// withState adds flags to a script that loads the session. Before the load Django does not know whether the cookie's
// session exists.
func withState(script string) string {
	if !accesses(script) {
		return script
	}
	return script + "; accessed?; modified?; empty?"
}

// accesses reports whether the script reads or writes values, which is when Django loads the session.
func accesses(script string) bool {
	for statement := range strings.SplitSeq(script, "; ") {
		op, _, _ := strings.Cut(statement, " ")
		switch op {
		case "", "session", "modified", "cookie", "raise", "them":
		default:
			return true
		}
	}
	return false
}

// expiries are values of _session_expiry, as JSON.
var expiries = []string{
	"300", "0", "-5", "-1209600", "1", "0.25", "0.0", "-0.0", "-0.25", "1.5", "-1.5", "300.0", "1e3", "1e-9", "1e9",
	"null", "true", "false", `""`, "[]", "{}", "[1]", `{"a":1}`,
	`"garbage"`, `"300"`, `"2099-12-31"`, `"2099-12-31T23:59:59"`, `"2099-12-31T23:59:59+00:00"`, `"2099-12-31T23:59:59Z"`,
	`"2099-12-31 23:59:59.5+00:00"`, `"2099-12-31T23:59:59.123456+02:00"`, `"2099-12-31T23:59:59.999999-11:30"`,
	`"2099-12-31T23:59:59.25"`, `"2001-02-03T04:05:06+00:00"`, `"2001-02-03T04:05:06.789+00:00"`,
	`"2099-13-31T23:59:59+00:00"`, `" 2099-12-31T23:59:59+00:00"`, `"20991231T235959Z"`,
}

// farExpiries are beyond a time.Duration.
var farExpiries = []string{
	"99999999999", "253402300799", "1000000000000000000", "-1000000000000000000", "1e400", "-1e400", "NaN",
	"123456789012345678901234567890", `"0001-01-01T00:00:00+00:00"`, `"9999-12-31T23:59:59+00:00"`, `"9999-12-31T23:59:59-01:00"`,
}

// expiryRows are sessions with each of these expiries, read and saved, with settings that treat them differently.
func expiryRows() []Row {
	var rows []Row
	for _, s := range []site{
		nil,
		{"SESSION_EXPIRE_AT_BROWSER_CLOSE": true},
		{"USE_TZ": false, "TIME_ZONE": "Europe/Warsaw"},
	} {
		for i, expiry := range slices.Concat(expiries, farExpiries) {
			for _, script := range []string{"get a", "set b 2", "age?", "date?", "browser-close?", "cycle", "set b 2; raise 500"} {
				if s != nil && script != "set b 2" || script == "age?" && i >= len(expiries) {
					continue
				}
				rows = append(rows, Row{
					Name:     fmt.Sprintf("expiry %s %v: %s", expiry, s, script),
					Settings: s,
					Cookie:   "sessionid={live}",
					Live:     `{"a":1,"_session_expiry":` + expiry + `}`,
					Script:   script,
				})
			}
		}
	}
	return rows
}

// statusRows are responses of each status, after scripts that matter to it.
func statusRows() []Row {
	requests := []struct{ cookie, script string }{
		{"", "set b 2"},
		{"sessionid={live}", ""},
		{"sessionid={live}", "get a"},
		{"sessionid={live}", "set b 2"},
		{"sessionid={live}", "clear"},
		{"sessionid={live}", "flush"},
		{"sessionid={live}", "flush; set b 2"},
		{"sessionid={live}", "cycle"},
		{"sessionid={live}", "cycle; set b 2"},
		{"sessionid={live}", "set b 2; cycle"},
		{"sessionid={live}", "set b 2; save; set c 3"},
		{"sessionid={unknown}", "get a"},
		{"sessionid={unknown}", "clear; set b 2"},
		{"sessionid=short12", ""},
		{"sessionid=short12", "set b 2"},
	}
	var rows []Row
	for _, r := range requests {
		for _, status := range []int{201, 204, 301, 302, 304, 400, 403, 404, 410, 499, 500, 501, 503, 599} {
			name := fmt.Sprintf("status %d: %q %s", status, r.cookie, orNothing(r.script))
			rows = append(rows, Row{Name: name, Cookie: r.cookie, Script: r.script, Status: status})
		}
		for exception := range raised {
			script := "raise " + exception
			if r.script != "" {
				script = r.script + "; " + script
			}
			rows = append(rows, Row{Name: fmt.Sprintf("%q %s", r.cookie, script), Cookie: r.cookie, Script: script})
		}
		for _, method := range []string{"HEAD", "POST", "OPTIONS"} {
			name := fmt.Sprintf("%s: %q %s", method, r.cookie, orNothing(r.script))
			rows = append(rows, Row{Name: name, Cookie: r.cookie, Script: r.script, Method: method})
		}
	}
	return rows
}

// varyRows are views that set Vary themselves.
func varyRows() []Row {
	var rows []Row
	for _, vary := range [][]string{
		{"Accept-Encoding"},
		{"Cookie"},
		{"cookie"},
		{"Accept-Encoding, COOKIE"},
		{"COOKIE, Accept-Encoding"},
		{"Accept-Encoding,Accept-Language"},
		{"Accept-Encoding ,  Accept-Language"},
		{"Accept-Encoding", "Accept-Language"},
		{"Accept-Encoding", "cookie", "Accept-Language"},
		{"*"},
		{"*", "Accept-Encoding"},
		{"Accept-Encoding, *"},
		{"Cookie2"},
		{"X-Cookie"},
	} {
		for _, r := range []struct{ cookie, script string }{
			{"", ""},
			{"", "get a"},
			{"sessionid={live}", ""},
			{"sessionid={live}", "set b 2"},
			{"sessionid={live}", "flush"},
			{"sessionid=short12", ""},
		} {
			rows = append(rows, Row{
				Name:   fmt.Sprintf("vary %q: %q %s", vary, r.cookie, orNothing(r.script)),
				Cookie: r.cookie,
				Script: r.script,
				Vary:   vary,
			})
		}
	}
	return rows
}
