package middlewaretest

import "fmt"

// statusRows are what a view answers, with what it may have done before.
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
