package middlewaretest

import (
	"strings"
	"testing"
)

// sample is how many rows there are to each row that -short runs. It is a prime number, so
// that the rows are of every kind.
const sample = 13

// Run runs the table with an engine: each row at Django, then in Go. Rows in which Manager.Overwrite could matter run with and
// without it.
func Run(t *testing.T, e Engine) {
	p := startPeer(t, e)
	g := startGo(t, e, p)
	names := map[string]bool{}
	shown := map[*difference]bool{} // by those that cover a row
	for i, row := range Rows() {
		if testing.Short() && i%sample != 0 {
			continue
		}
		if names[row.Name] {
			t.Errorf("two rows are named %q", row.Name)
		}
		names[row.Name] = true
		if e.leavesOut(row) {
			continue
		}
		p.moveClock() // a store with a clock of its own goes on too
		t.Run(row.Name, func(t *testing.T) {
			concurrent := strings.Contains(row.Script, "them ")
			modes := []bool{false, true}
			if !concurrent && !strings.Contains(row.Script, "cycle") {
				modes = modes[:1]
			}
			for _, overwrite := range modes {
				django := p.run(t, row)
				want, why := django, "as Django"
				if d := differs(e, overwrite, row); d != nil {
					want, why = p.expect(t, overwrite, row, django), d.why
					shown[d] = shown[d] || want != django
				}
				if got := g.run(t, row, overwrite); !same(got, want) {
					t.Errorf("%+v\noverwrite %v: Go:\n%s\nwant, %s:\n%s\nDjango:\n%s", row, overwrite, got, why, want, django)
				}
			}
		})
	}
	for d, ok := range shown {
		if !ok && !testing.Short() {
			t.Errorf("no difference from Django any more: %s", d.why)
		}
	}
}

// expect is what Go makes of a row, given what Django does.
func (p *peer) expect(t *testing.T, overwrite bool, r Row, django string) string {
	d := differs(p.engine, overwrite, r)
	if d == nil {
		return django
	}
	outcome := django
	if d.like != nil {
		twin := d.like(r)
		outcome = p.run(t, twin)
		if other := differs(p.engine, overwrite, twin); other != nil && other != d {
			outcome = p.expect(t, overwrite, twin, outcome)
		}
	}
	if d.instead != nil {
		outcome = d.instead(p.engine, r, outcome)
	}
	return outcome
}
