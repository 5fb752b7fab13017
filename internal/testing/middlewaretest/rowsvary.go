package middlewaretest

import "fmt"

// varyRows are views that vary by something themselves.
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
