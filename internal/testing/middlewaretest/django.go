package middlewaretest

import (
	"maps"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// peer is the newest Django, which the rows are sent to. For both sides, Django stores the sessions of a row and reads the
// store afterwards.
type peer struct {
	*djangotest.Django
	engine Engine
	clock  atomic.Pointer[time.Time] // a store may read it in the background
}

func startPeer(t testing.TB, e Engine) *peer {
	settings := maps.Clone(e.Django)
	settings["MIDDLEWARE"] = []string{"django.contrib.sessions.middleware.SessionMiddleware"}
	settings["ROOT_URLCONF"] = "middleware_peer_urls" // testdata/middleware_peer.py defines it
	d := djangotest.Start(t, djangotest.Newest, settings)
	d.Do(t, `migrate()`, nil, nil)
	for _, name := range []string{"middleware_peer.py", "middleware_caches.py"} {
		code, err := os.ReadFile(djangotest.Testdata(t, name))
		if err != nil {
			t.Fatal(err)
		}
		d.Do(t, string(code), nil, nil)
	}
	p := &peer{Django: d, engine: e}
	p.moveClock()
	return p
}

// moveClock stops the clock at the current second, late in it: a time that is truncated and not rounded shows.
func (p *peer) moveClock() {
	now := time.Now().Truncate(time.Second).Add(900 * time.Millisecond)
	p.clock.Store(&now)
}

func (p *peer) now() time.Time { return *p.clock.Load() }

// row returns a Row as Django gets it.
func (p *peer) row(r Row) map[string]any {
	settings := r.Settings
	if settings == nil {
		settings = map[string]any{}
	}
	cache := "cold"
	if p.engine.Warm {
		cache = "warm"
	}
	return map[string]any{
		"cache": cache,
		"now":   p.now().UnixMicro(), "script": r.Script, "settings": settings, "live": r.Live, "payload": r.Payload,
		"status": r.Status, "vary": r.Vary, "method": r.Method,
	}
}

// seed stores the row's sessions, and begins an outcome.
func (p *peer) seed(t testing.TB, r Row) outcome {
	t.Helper()
	var seeded struct {
		Keys   map[string]string
		Before map[string]stored
	}
	p.Do(t, `result = {"keys": seed(args), "before": observe(args)["stored"]}`, p.row(r), &seeded)
	return outcome{now: p.now(), keys: seeded.Keys, before: seeded.Before, forgets: p.engine.name() == cache}
}

// run sends the row to Django.
func (p *peer) run(t testing.TB, r Row) string {
	t.Helper()
	o := p.seed(t, r)
	row := p.row(r)
	row["cookie"] = r.cookieLines(o.keys)
	p.Do(t, `result = send(args)`, row, &o.response)
	p.observe(t, r, &o)
	return o.String()
}

func (p *peer) observe(t testing.TB, r Row, o *outcome) {
	t.Helper()
	args := map[string]any{"row": p.row(r), "cookies": o.cookieValues()}
	p.Do(t, `result = observe(args["row"], args["cookies"])`, args, &o.after)
}

// meanwhile makes a concurrent request to Django.
func (p *peer) meanwhile(t testing.TB, r Row, script string) {
	t.Helper()
	p.Do(t, `meanwhile(args["row"], args["script"])`, map[string]any{"row": p.row(r), "script": script}, nil)
}
