package middlewaretest

import (
	"maps"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// peer is the newest Django, which the rows are sent to. It also puts the store into its state, and looks at it, for both
// sides: what Go stores is read by Django.
type peer struct {
	*djangotest.Django
	engine Engine
	clock  atomic.Pointer[time.Time] // a store may look at it in the background
}

func startPeer(t testing.TB, e Engine) *peer {
	settings := maps.Clone(e.Django)
	settings["MIDDLEWARE"] = []string{"django.contrib.sessions.middleware.SessionMiddleware"}
	settings["ROOT_URLCONF"] = "middleware_peer_urls" // which testdata/middleware_peer.py makes
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

// moveClock has the clock stand still now. It is late in a second: what is cut off instead of being rounded, shows.
func (p *peer) moveClock() {
	now := time.Now().Truncate(time.Second).Add(900 * time.Millisecond)
	p.clock.Store(&now)
}

func (p *peer) now() time.Time { return *p.clock.Load() }

// row is a Row as Django's side gets it.
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

// seed puts the row's sessions into the store, and begins an outcome.
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

// meanwhile is somebody else's request, at Django.
func (p *peer) meanwhile(t testing.TB, r Row, script string) {
	t.Helper()
	p.Do(t, `meanwhile(args["row"], args["script"])`, map[string]any{"row": p.row(r), "script": script}, nil)
}
