// Package middlewaretest compares djsession's middleware with Django's. Its table has a row for each kind of request: the
// cookie, the settings, what is stored, and what the view does. [Run] sends each row to a Django 5.2 and to a Go handler.
// Both start with the same stored sessions, and the clock stands still. Then the responses and what is stored must be equal.
//
// Some differences are intended: djsess keeps a change that Django would overwrite. The table of differences says why, and
// what Go does instead.
//
// A test runs the table with an [Engine]. It needs a Django 5.2 and is skipped without one. A new engine needs a class in
// testdata/middleware_peer.py, which stores and reads the sessions for both sides.
package middlewaretest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Engine is one of Django's session engines and djsess's store for it, both over the same place.
type Engine struct {
	// Django are the settings of a Django with this engine, SESSION_ENGINE among them.
	Django djangotest.Settings
	// Open opens djsess's store until the test ends.
	Open func(t testing.TB, s *djsession.Settings) djsession.Store
	// OwnClock: the store expires sessions by a clock of its own, which does not stand still.
	OwnClock bool
	// Warm: before each row the cache of the engine cached_db holds what the database holds. Default: the cache is empty.
	Warm bool
}

func (e Engine) name() string { return e.Django["SESSION_ENGINE"].(string) }

// leavesOut reports whether a row means nothing for this engine.
func (e Engine) leavesOut(r Row) bool {
	switch {
	case e.name() == signedCookies:
		return strings.Contains(r.Script, "them ") // a session is only in its visitor's cookie, so no other request can change it
	case e.name() == cache && e.OwnClock:
		return soon.MatchString(r.Live) // it may expire during the test
	}
	return false
}

// soon matches expiries within the next two seconds. Those within this second have passed at once.
var soon = regexp.MustCompile(`_session_expiry":(1|1\.5|true)}`)

// inDatabase reports whether the engine is cache, over a DatabaseCache.
func (e Engine) inDatabase() bool { return e.name() == cache && !e.OwnClock }

// isMemcached reports whether the engine is cache, over Memcached.
func (e Engine) isMemcached() bool {
	caches, _ := e.Django["CACHES"].(map[string]any)
	entry, _ := caches["default"].(map[string]any)
	backend, _ := entry["BACKEND"].(string)
	return e.name() == cache && strings.HasPrefix(backend, "django.core.cache.backends.memcached.")
}

// until returns how an outcome shows the expiry of a session that was stored for so many seconds.
func (e Engine) until(seconds int64) string {
	switch {
	case e.name() == file:
		return "" // a file has no expiry
	case e.inDatabase():
		return fmt.Sprintf(" until %+.1f", float64(seconds)-0.9) // it expires at the start of its second
	case e.name() == cache:
		return fmt.Sprintf(" until ~%+d", seconds)
	}
	return fmt.Sprintf(" until %+d", seconds)
}

// every returns n if each nth row of the table is to run. n is prime, so that rows of every kind run.
func (e Engine) every() int {
	switch {
	case testing.Short():
		return 29
	case djangotest.Everything() || e.name() == db:
		return 1
	}
	return 3
}

// Run runs the table with an engine: each row at Django, then in Go. Rows in which Manager.Overwrite could matter run with and
// without it. make test-all runs all rows with every engine; make test runs all rows with the engine db, and a third of them with each other engine.
func Run(t *testing.T, e Engine) {
	every := e.every()
	p := startPeer(t, e)
	g := startGo(t, e, p)
	names := map[string]bool{}
	shown := map[*difference]bool{} // whether a difference changed an outcome
	for i, row := range Rows() {
		if i%every != 0 {
			continue
		}
		if names[row.Name] {
			t.Errorf("two rows are named %q", row.Name)
		}
		names[row.Name] = true
		if e.leavesOut(row) {
			continue
		}
		p.moveClock() // because a store's own clock goes on
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
		if !ok && every == 1 {
			t.Errorf("no difference from Django any more: %s", d.why)
		}
	}
}

// expect returns the outcome of a row in Go, given the outcome in Django.
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
