package middlewaretest

import (
	"fmt"
	"slices"
	"strings"
)

// storeRows are sessions that another request changes, stored texts that cannot be trusted, and unusual ones that can.
func storeRows() []Row {
	return slices.Concat(meanwhileRows(), payloadRows(), valueRows())
}

func meanwhileRows() []Row {
	var rows []Row
	for _, script := range []string{
		// Deleted between load and save.
		"get a; them flush",
		"them flush; get a",
		"get a; them flush; set b 2",
		"get a; them flush; modified true",
		"get a; them flush; clear",
		"get a; them flush; flush",
		"get a; them flush; flush; set b 2",
		"get a; them flush; cycle",
		"get a; them flush; save",
		"set b 2; them flush; raise 404",
		"set b 2; them flush; raise 500",
		"set b 2; save; them flush; set c 3",
		"cycle; them flush; set c 3",
		"them flush; clear",
		"them flush; clear; set b 2",
		// Written between load and save.
		"get a; them set t 1",
		"them set t 1; get t",
		"get a; them set t 1; set b 2",
		"get a; them set a 7; set a 2",
		"get a; them set a 7; add a 2",
		"get a; them set a 7; del a",
		"get a; them del a; set b 2",
		"get a; them set t 1; setdefault t 2",
		"get a; them set t 1; clear",
		"get a; them set t 1; clear; set b 2",
		"get a; them set t 1; modified true",
		"get a; them set t 1; expiry 300",
		"get a; them expiry 300; set b 2",
		"get a; them set t 1; cycle",
		"get a; them set t 1; set b 2; cycle",
		"get a; them set t 1; flush",
		"get a; them set t 1; save; get t",
		"get a; them clear; set b 2",
		"get a; them set t 1; set b 2; raise 500",
	} {
		rows = append(rows, Row{Name: "meanwhile: " + script, Cookie: "sessionid={live}", Script: script})
	}
	for _, script := range []string{"them flush; get a", "them set t 1", "get a; them flush", "get a; them set t 1"} {
		rows = append(rows, Row{Name: "every request, meanwhile: " + script, Cookie: "sessionid={live}", Script: script,
			Settings: site{"SESSION_SAVE_EVERY_REQUEST": true}})
	}
	return rows
}

func payloadRows() []Row {
	var rows []Row
	for _, payload := range []string{"tampered", "other secret", "list", "not a payload", "e30", "e30:1:x", " "} {
		for _, script := range []string{"", "session", "get a", "set b 2", "clear; set b 2", "flush", "cycle", "raise 500"} {
			rows = append(rows, Row{Name: fmt.Sprintf("payload %q: %s", payload, orNothing(script)), Cookie: "sessionid={live}",
				Payload: payload, Script: script})
		}
		rows = append(rows, Row{Name: fmt.Sprintf("every request, payload %q", payload), Cookie: "sessionid={live}",
			Payload: payload, Settings: site{"SESSION_SAVE_EVERY_REQUEST": true}})
	}
	for _, script := range []string{"", "get a", "set b 2", "cycle", "flush", "modified true"} {
		rows = append(rows, Row{Name: "payload under a fallback: " + orNothing(script), Cookie: "sessionid={live}",
			Payload: "fallback", Settings: site{"SECRET_KEY_FALLBACKS": []string{"an older key"}}, Script: script})
	}
	return rows
}

// valueRows are sessions whose values must be stored again unchanged, in their order.
func valueRows() []Row {
	var rows []Row
	for _, live := range []string{
		`{}`,
		`{"z":1,"b":2,"a":3}`,
		`{"big":123456789012345678901234567890,"float":1.0,"nan":NaN,"minus":-0.0,"inf":-Infinity,"exp":1e+16}`,
		`{"text":"\ud800 \u00e9 \ud83d\ude00 \u007f </script>","\u00e9":[1.0,{"b":1,"a":{}}],"":null}`,
		`{"a":"` + strings.Repeat("long enough to be compressed ", 200) + `"}`,
	} {
		for _, script := range []string{"items", "set b 9", "set new 1", "del b", "pop b 1; set b 2", "setdefault b 5", "cycle",
			`update {"b":1,"c":2}`, "clear; set c 1; set b 2", "modified true"} {
			rows = append(rows, Row{Name: fmt.Sprintf("values %.60s: %s", live, script), Cookie: "sessionid={live}", Live: live,
				Script: script})
		}
	}
	return rows
}

// cookies are Cookie headers in unusual spellings, and what Django finds in them: the key of a session or an unknown key;
// no session cookie, or one that is too short for a key; or one with a character or a length that no key has.
var cookies = []struct {
	name, cookie, finds string
}{
	{"among others", "a=1; sessionid={live}; b=2", "live"},
	{"among others, no space", "a=1;sessionid={live};b=2", "live"},
	{"twice, the last is good", "sessionid={unknown}; sessionid={live}", "live"},
	{"twice, the last is unknown", "sessionid={live}; sessionid={unknown}", "unknown"},
	{"twice, the last is empty", "sessionid={live}; sessionid=", "short"},
	{"twice, the last is short", "sessionid={live}; sessionid=short12", "short"},
	{"twice, two sessions", "sessionid={live}; sessionid={other}", "other"},
	{"two lines, the last is good", "sessionid={unknown}\nsessionid={live}", "live"},
	{"two lines, the last is unknown", "sessionid={live}\nsessionid={unknown}", "unknown"},
	{"two lines, one is another's", "sessionid={live}\nother=1", "live"},
	{"quoted", `sessionid="{live}"`, "live"},
	{"quoted, in octal", `sessionid="{octal live}"`, "live"},
	{"quoted, escaped", `sessionid="{escaped live}"`, "live"},
	{"octal without quotes", `sessionid={octal live}`, "foreign"},
	{"quoted, unknown", `sessionid="{unknown}"`, "unknown"},
	{"quoted, spaces inside", `sessionid=" {live} "`, "foreign"},
	{"half a quote", `sessionid="{live}`, "foreign"},
	{"the other half", `sessionid={live}"`, "foreign"},
	{"quoted twice", `sessionid=""{live}""`, "foreign"},
	{"only a quote", `sessionid="`, "short"},
	{"empty quotes", `sessionid=""`, "short"},
	{"in other quotes", `sessionid='{live}'`, "foreign"},
	{"a semicolon in quotes", `sessionid="{live};"`, "foreign"},
	{"octal NUL", `sessionid="abcdefgh\000"`, "foreign"},
	{"octal line break", `sessionid="abcdefgh\015\012x"`, "foreign"},
	{"octal beyond ASCII", `sessionid="abcdefgh\377"`, "foreign"},
	{"octal too large", `sessionid="abcdefgh\400"`, "unknown"},
	{"octal cut off", `sessionid="abcdefgh\01"`, "unknown"},
	{"a backslash at the end", `sessionid="abcdefgh\"`, "foreign"},
	{"spaces around", "sessionid =  {live}  ; b=2", "live"},
	{"tabs around", "a=1;\tsessionid\t=\t{live}\t", "live"},
	{"a space inside", "sessionid=abcd efgh", "foreign"},
	{"only spaces", "sessionid=        ", "short"},
	{"no =", "sessionid", "none"},
	{"no name", "={live}", "none"},
	{"only the key", "{live}", "none"},
	{"no =, but others", "sessionid; a=1", "none"},
	{"another name's case", "SessionID={live}", "none"},
	{"similar names", "sessionid2={live}; xsessionid={live}; session id={live}", "none"},
	{"in quotes, the name", `"sessionid"={live}`, "none"},
	{"a comma between", "a=1, sessionid={live}", "none"},
	{"a comma after", "sessionid={live}, a=1", "foreign"},
	{"a space between", "a=1 sessionid={live}", "none"},
	{"semicolons around", ";; ;sessionid={live};;", "live"},
	{"= in the value", "sessionid={live}=x", "foreign"},
	{"= at the front of the value", "sessionid=={live}", "foreign"},
	{"eight characters", "sessionid=12345678", "unknown"},
	{"eight characters, not ASCII", "sessionid=1234567é", "foreign"},
	{"seven characters, eight bytes", "sessionid=123456é", "short"},
	{"longer than a key", "sessionid={live}x", "unknown"},
	{"41 characters", "sessionid=" + strings.Repeat("x", 41), "foreign"},
	{"very long", "sessionid=" + strings.Repeat("x", 5000), "foreign"},
	{"in capitals", "sessionid={upper live}", "foreign"},
	{"a path", "sessionid=../../etc/passwd", "foreign"},
	{"a pattern", "sessionid=%live%00000000", "foreign"},
	{"an attribute", "$Version=1; sessionid={live}; $Path=/", "live"},
	{"not ASCII", "sessionid=Zażółć gęślą jaźń", "foreign"},
	{"an emoji", "sessionid=😀😀😀😀😀😀😀😀", "foreign"},
}

// cookieRows are every spelling with a view that does not use the session, one that reads it, one that writes it, and one
// that writes without reading.
func cookieRows() []Row {
	var rows []Row
	for _, c := range cookies {
		for _, script := range []string{"", "get a", "set b 2", "clear; set b 2", "flush", "cycle"} {
			rows = append(rows, Row{Name: "cookie " + c.name + ": " + orNothing(script), Cookie: c.cookie, Script: script,
				Unknown: c.finds == "unknown" || c.finds == "foreign", NoKey: c.finds == "short", Foreign: c.finds == "foreign"})
		}
	}
	return rows
}

// site are settings that a site may have.
type site = map[string]any

var sites = []site{
	{"SESSION_SAVE_EVERY_REQUEST": true},
	{"SESSION_EXPIRE_AT_BROWSER_CLOSE": true},
	{"SESSION_COOKIE_NAME": "sid"},
	{"SESSION_COOKIE_NAME": "__Host-sessionid"},
	{"SESSION_COOKIE_NAME": "__Host-sessionid", "SESSION_COOKIE_SECURE": true},
	{"SESSION_COOKIE_NAME": "__Secure-sessionid", "SESSION_COOKIE_SECURE": true},
	{"SESSION_COOKIE_NAME": "__host-sessionid"},
	{"SESSION_COOKIE_NAME": "a.b!#$%&'*+-^_`|~:"},
	{"SESSION_COOKIE_AGE": 300.0},
	{"SESSION_COOKIE_AGE": 0.25},
	{"SESSION_COOKIE_AGE": 0.0},
	{"SESSION_COOKIE_AGE": 86400.75},
	{"SESSION_COOKIE_AGE": 1e8},
	{"SESSION_COOKIE_DOMAIN": "example.com"},
	{"SESSION_COOKIE_DOMAIN": ".example.com"},
	{"SESSION_COOKIE_DOMAIN": ""},
	{"SESSION_COOKIE_PATH": "/app/"},
	{"SESSION_COOKIE_PATH": ""},
	{"SESSION_COOKIE_PATH": "/a path,with/everything=1"},
	{"SESSION_COOKIE_SECURE": true},
	{"SESSION_COOKIE_HTTPONLY": false},
	{"SESSION_COOKIE_SAMESITE": "None"},
	{"SESSION_COOKIE_SAMESITE": "none"},
	{"SESSION_COOKIE_SAMESITE": "Strict"},
	{"SESSION_COOKIE_SAMESITE": "lax"},
	{"SESSION_COOKIE_SAMESITE": false},
	{"SESSION_COOKIE_SAMESITE": "None", "SESSION_COOKIE_SECURE": true},
	{"SESSION_COOKIE_DOMAIN": ".example.com", "SESSION_COOKIE_PATH": "/app", "SESSION_COOKIE_SECURE": true,
		"SESSION_COOKIE_SAMESITE": "Strict", "SESSION_COOKIE_NAME": "sid", "SESSION_COOKIE_AGE": 60.0},
	{"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_HTTPONLY": false, "SESSION_COOKIE_SAMESITE": false,
		"SESSION_EXPIRE_AT_BROWSER_CLOSE": true},
	{"SESSION_SAVE_EVERY_REQUEST": true, "SESSION_EXPIRE_AT_BROWSER_CLOSE": true},
	{"USE_TZ": false, "TIME_ZONE": "Europe/Warsaw"},
	{"USE_TZ": true, "TIME_ZONE": "Asia/Kolkata"},
}

// everyRequest are the scripts that matter with SESSION_SAVE_EVERY_REQUEST.
var everyRequest = []string{
	"", "session", "get a", "set b 2", "del a", "clear", "flush", "cycle", "save", "set b 2; save", "modified false",
	"set b 2; modified false", "expiry 0", "expiry 300", "raise 404", "raise 500", "set b 2; raise 500",
}

// settingRows are every site with scripts that save, delete and read.
func settingRows() []Row {
	requests := []struct{ cookie, script string }{
		{"", "set b 2"},
		{"", "set b 2; browser-close"},
		{"", "get a"},
		{"{name}={live}", ""},
		{"{name}={live}", "get a"},
		{"{name}={live}", "set b 2"},
		{"{name}={live}", "expiry 0"},
		{"{name}={live}", "expiry 77"},
		{"{name}={live}", "expires-at 7200.5"},
		{"{name}={live}", "clear"},
		{"{name}={live}", "flush"},
		{"{name}={live}", "cycle"},
		{"{name}={unknown}", "get a"},
		{"{name}={expired}", "set b 2"},
		{"{name}=short12", ""},
		{"{name}=", "set b 2"},
	}
	var rows []Row
	for _, s := range sites {
		for _, r := range requests {
			if s["SESSION_COOKIE_AGE"] == 0.0 && strings.Contains(r.cookie, "{live}") {
				continue // no session is live
			}
			rows = append(rows, settingRow(s, r.cookie, r.script))
		}
	}
	for _, v := range visitors {
		for _, script := range everyRequest {
			s := site{"SESSION_SAVE_EVERY_REQUEST": true}
			row := settingRow(s, v.cookie, withState(script))
			row.Name = "every request: " + v.name + ": " + orNothing(script)
			rows = append(rows, row)
		}
	}
	return rows
}

func settingRow(s site, cookie, script string) Row {
	name, ok := s["SESSION_COOKIE_NAME"].(string)
	if !ok {
		name = "sessionid"
	}
	return Row{
		Name:     fmt.Sprintf("site %v: %q %s", s, cookie, orNothing(script)),
		Settings: s,
		Cookie:   strings.ReplaceAll(cookie, "{name}", name),
		Script:   script,
	}
}
