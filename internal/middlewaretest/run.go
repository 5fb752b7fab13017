package middlewaretest

import (
	"strings"
	"testing"
)

// Run runs the table with an engine: each row at Django, then in Go. Rows in which Manager.Overwrite could matter run with and
// without it.
func Run(t *testing.T, e Engine) {
	p := startPeer(t, e.Django)
	g := startGo(t, e, p)
	names := map[string]bool{}
	shown := map[*difference]bool{} // by those that cover a row
	for _, row := range Rows() {
		if names[row.Name] {
			t.Errorf("two rows are named %q", row.Name)
		}
		names[row.Name] = true
		concurrent := strings.Contains(row.Script, "them ")
		if concurrent && e.name() == signedCookies {
			continue // a session is nowhere but in its visitor's request
		}
		t.Run(row.Name, func(t *testing.T) {
			django := p.run(t, row)
			modes := []bool{false, true}
			if !concurrent && !strings.Contains(row.Script, "cycle") {
				modes = modes[:1]
			}
			for _, overwrite := range modes {
				want, why := django, "as Django"
				if d := differs(e.name(), overwrite, row); d != nil {
					want, why = d.instead(row, django), d.why
					shown[d] = shown[d] || want != django
				}
				if got := g.run(t, row, overwrite); got != want {
					t.Errorf("%+v\noverwrite %v: Go:\n%s\nwant, %s:\n%s\nDjango:\n%s", row, overwrite, got, why, want, django)
				}
			}
		})
	}
	for d, ok := range shown {
		if !ok {
			t.Errorf("no difference from Django any more: %s", d.why)
		}
	}
}

const signedCookies = "django.contrib.sessions.backends.signed_cookies"
