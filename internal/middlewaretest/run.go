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
			modes := []bool{false, true}
			if !concurrent && !strings.Contains(row.Script, "cycle") {
				modes = modes[:1]
			}
			for _, overwrite := range modes {
				django := p.run(t, row)
				want, why := django, "as Django"
				if d := differs(e.name(), overwrite, row); d != nil {
					want, why = p.expect(t, e.name(), overwrite, row, django), d.why
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

// expect is what Go makes of a row, given what Django does.
func (p *peer) expect(t *testing.T, engine string, overwrite bool, r Row, django string) string {
	d := differs(engine, overwrite, r)
	switch {
	case d == nil:
		return django
	case d.like != nil:
		twin := d.like(r)
		if d := differs(engine, overwrite, twin); d != nil && d.like != nil {
			return p.run(t, twin)
		}
		return p.expect(t, engine, overwrite, twin, p.run(t, twin))
	}
	return d.instead(r, django)
}
