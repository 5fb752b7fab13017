package middlewaretest

import (
	"fmt"
	"slices"
)

// expiries are what a session may hold for its _session_expiry, as JSON.
var expiries = []string{
	"300", "0", "-5", "-1209600", "1", "0.25", "0.0", "-0.0", "-0.25", "1.5", "-1.5", "300.0", "1e3", "1e-9", "1e9",
	"null", "true", "false", `""`, "[]", "{}", "[1]", `{"a":1}`,
	`"garbage"`, `"300"`, `"2099-12-31"`, `"2099-12-31T23:59:59"`, `"2099-12-31T23:59:59+00:00"`, `"2099-12-31T23:59:59Z"`,
	`"2099-12-31 23:59:59.5+00:00"`, `"2099-12-31T23:59:59.123456+02:00"`, `"2099-12-31T23:59:59.999999-11:30"`,
	`"2099-12-31T23:59:59.25"`, `"2001-02-03T04:05:06+00:00"`, `"2001-02-03T04:05:06.789+00:00"`,
	`"2099-13-31T23:59:59+00:00"`, `" 2099-12-31T23:59:59+00:00"`, `"20991231T235959Z"`,
}

// farExpiries are further away than a time.Duration can tell.
var farExpiries = []string{
	"99999999999", "253402300799", "1000000000000000000", "-1000000000000000000", "1e400", "-1e400", "NaN",
	"123456789012345678901234567890", `"0001-01-01T00:00:00+00:00"`, `"9999-12-31T23:59:59+00:00"`, `"9999-12-31T23:59:59-01:00"`,
}

// expiryRows are sessions with every one of these, looked at and saved, under settings that treat them differently.
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
