package middlewaretest

import (
	"fmt"
	"strings"
)

// site is settings that a site may have.
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

// everyRequest are all that matters to SESSION_SAVE_EVERY_REQUEST.
var everyRequest = []string{
	"", "session", "get a", "set b 2", "del a", "clear", "flush", "cycle", "save", "set b 2; save", "modified false",
	"set b 2; modified false", "expiry 0", "expiry 300", "raise 404", "raise 500", "set b 2; raise 500",
}

// settingRows are every site with what saves, deletes and looks.
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
