package djsession_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// A site with two Djangos and a Go service moves while visitors log in, change their sessions, change their passwords
// and log out, each request at any of the workers, as many as the machine can do. No request sees an older session than the
// one before it, and nobody who has logged out is back.
func TestTransitionWhileRolling(t *testing.T) {
	djangotest.NotShort(t, "it starts a dozen Djangos")
	moves := map[string]func(*testing.T) move{
		"postgres to redis": func(t *testing.T) move { return dbToRedis(t, djangotest.Postgres(t)) },
	}
	if djangotest.Everything() {
		moves["redis to postgres"] = func(t *testing.T) move { return dbToRedis(t, djangotest.Postgres(t)).back() }
	}
	for name, make := range moves {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roll(t, make(t), djangotest.Newest)
		})
	}
}

func roll(t *testing.T, m move, version string) {
	m.django(t, version, 1).Do(t, m.prepare, nil, nil)
	r := &rolling{fromCache: m.transition["old"] == cacheBackend, from: m.golang(t, version, before).store, to: m.golang(t, version, after).store}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range 6 {
		r.visitors = append(r.visitors, &rollingVisitor{site: r, random: rand.New(rand.NewPCG(seed, uint64(i)))})
	}
	worker := func(i, step int) *rollingWorker {
		if i == 2 {
			return &rollingWorker{step: step, golang: m.golang(t, version, step)}
		}
		d := m.django(t, version, step)
		d.Do(t, pythonVisit, nil, nil)
		return &rollingWorker{step: step, django: d}
	}
	for i := range r.workers {
		r.workers[i].Store(worker(i, before))
	}
	r.shared = r.anyWorker(rand.IntN).visit(t, "", "login").Key
	begin := time.Now()
	for step := before; step <= after; step++ {
		for i := range r.workers {
			r.burst(t, func() {
				if step > before {
					r.workers[i].Store(worker(i, step))
				}
			})
		}
		if step == int(djsession.ReadOldWriteBoth) {
			r.burst(t, func() { migrate(t, r.from, r.to) })
		}
		r.check(t, step)
	}
	t.Logf("%d requests, %.0f a second", r.requests.Load(), float64(r.requests.Load())/time.Since(begin).Seconds())
}

// rolling is a site that moves.
type rolling struct {
	fromCache bool // the old store is a cache, and the new one a database; or the other way round
	from, to  djsession.Store
	workers   [3]atomic.Pointer[rollingWorker]
	visitors  []*rollingVisitor
	shared    string // the key of a session that all visitors change at once
	requests  atomic.Int64
}

// burst does something while all visitors make requests. It returns when that is done and each visitor has made a few.
func (r *rolling) burst(t *testing.T, meanwhile func()) {
	var all sync.WaitGroup
	var done atomic.Bool
	for _, v := range r.visitors {
		all.Go(func() {
			for n := 0; n < 8 || !done.Load(); n++ {
				v.act(t)
			}
		})
	}
	meanwhile()
	done.Store(true)
	all.Wait()
}

// check looks at the stores while no request is under way.
func (r *rolling) check(t *testing.T, step int) {
	t.Helper()
	stores := map[string]djsession.Store{"old": r.from, "new": r.to}
	switch {
	case step == before || step == int(djsession.ReadOldUpdateNew):
		delete(stores, "new")
	case step == after:
		delete(stores, "old") // nobody reads it any more
	}
	shared := map[string]bool{}
	for name, store := range stores {
		shared[holds(t, store, r.shared)] = true
		for i, v := range r.visitors {
			if got := numberIn(t, store, v.key); v.key != "" && got != v.n {
				t.Errorf("step %d: the %s store has %d for visitor %d, want %d", step, name, got, i, v.n)
			}
		}
	}
	if len(shared) != 1 || shared["nothing"] {
		t.Errorf("step %d: the stores hold of the session that all visitors change: %v", step, shared)
	}
	if step != before {
		delete(stores, "old")
		stores["new"] = r.to
		if step != after {
			stores["old"] = r.from
		}
	}
	for name, store := range stores {
		for i, v := range r.visitors {
			for _, key := range v.ended {
				if got := numberIn(t, store, key); got != noSession {
					t.Errorf("step %d: a session that visitor %d has ended is in the %s store, with %d", step, i, name, got)
				}
			}
		}
	}
}

const noSession = -1

// numberIn returns the visitor's number in a session.
func numberIn(t *testing.T, store djsession.Store, key string) int {
	t.Helper()
	if key == "" {
		return noSession
	}
	r, err := store.Load(t.Context(), key)
	if errors.Is(err, djsession.ErrNotFound) {
		return noSession
	}
	if err != nil {
		t.Error(err)
		return noSession
	}
	n := noSession
	if err := r.Values.Get("n", &n); err != nil {
		t.Error(err)
	}
	return n
}

// anyWorker returns any worker. intN is rand.IntN.
func (r *rolling) anyWorker(intN func(int) int) *rollingWorker {
	return r.workers[intN(len(r.workers))].Load()
}

// rollingWorker is a Django or a Go service in a step of the move.
type rollingWorker struct {
	step   int
	django *djangotest.Django
	golang *goSide
}

// mayBringBack reports whether a save of this worker may bring back a session that is deleted at the same time
// in any case. Django's engine "cache" looks whether the session is there, and then sets it.
func (w *rollingWorker) mayBringBack(r *rolling) bool {
	readsOld := w.step <= int(djsession.ReadOldWriteBoth)
	return w.django != nil && readsOld == r.fromCache
}

// visited is the outcome of a request.
type visited struct {
	Key string // of the visitor's session after the request, or ""
	N   int    // what the session held before
	by  string
}

// visit makes a request.
func (w *rollingWorker) visit(t *testing.T, key, what string) visited {
	out := visited{Key: key, N: noSession}
	if w.django != nil {
		out.by = fmt.Sprintf("Django in step %d", w.step)
		if err := w.django.Try(`result = visit(args["key"], args["what"])`, map[string]string{"key": key, "what": what}, &out); err != nil {
			t.Errorf("%s at %s: %v", what, out.by, err)
		}
		return out
	}
	out.by = fmt.Sprintf("Go in step %d", w.step)
	response := visit(t, w.golang.m, key, func(_ http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.Has("n") {
			out.N, _ = djsession.GetOr(s.Values(), "n", noSession)
		}
		var err error
		switch what {
		case "login":
			err = s.Set("n", 0)
		case "add":
			if out.N != noSession {
				err = s.Apply(edit.Add("n", 1))
			}
		case "password":
			err = errors.Join(s.CycleKey(r.Context()), s.Apply(edit.Add("n", 1)))
		case "logout":
			err = s.Flush(r.Context())
		}
		if err != nil {
			t.Errorf("%s at %s: %v", what, out.by, err)
		}
	})
	if response.Code != 200 && response.Code != 400 {
		t.Errorf("%s at %s: status %d", what, out.by, response.Code)
	}
	if cookie := cookieOf(t, response); cookie != "" {
		out.Key = cookie
	}
	return out
}

// pythonVisit is the same in Python.
const pythonVisit = `
	import random
	def visit(key, what):
		s = SessionStore(key or None)
		n = s.get("n", -1)
		if what == "login":
			s["n"] = 0
		elif what == "add" and n != -1:
			s["n"] = n + 1
		elif what == "password":
			s.cycle_key()
			s["n"] = n + 1
		elif what == "logout":
			s.flush()
		time.sleep(random.random() * 0.003)
		try:
			if s.modified and not s.is_empty():
				s.save()
		except UpdateError:
			pass
		return {"Key": s.session_key or "", "N": n}
`

// rollingVisitor has one session at a time, and makes one request after the other.
type rollingVisitor struct {
	site   *rolling
	random *rand.Rand
	key    string
	n      int // what the session holds
	ended  []string
}

func (v *rollingVisitor) act(t *testing.T) {
	any := func() *rollingWorker {
		v.site.requests.Add(1)
		return v.site.anyWorker(v.random.IntN)
	}
	if v.random.IntN(4) == 0 {
		any().visit(t, v.site.shared, "add")
	}
	if n := len(v.ended); n > 0 && v.random.IntN(3) == 0 { // mostly the last one, since a worker may have missed its end
		v.finds(t, "a session that has ended", any().visit(t, v.ended[max(n-1-v.random.IntN(3), 0)], "look"), noSession)
	}
	if v.key == "" {
		v.key, v.n = any().visit(t, "", "login").Key, 0
		return
	}
	switch v.random.IntN(10) {
	case 0:
		v.finds(t, "logout", any().visit(t, v.key, "logout"), v.n)
		v.end("")
	case 1:
		// A logout while another request of the visitor saves.
		saver := any()
		for saver.mayBringBack(v.site) {
			saver = any()
		}
		var both sync.WaitGroup
		both.Go(func() { saver.visit(t, v.key, "add") })
		any().visit(t, v.key, "logout")
		both.Wait()
		v.end("")
	case 2, 3:
		// Another key and another hash of the password, for which the number stands here.
		now := any().visit(t, v.key, "password")
		v.finds(t, "password", now, v.n)
		v.n++
		v.end(now.Key)
	case 4:
		v.finds(t, "look", any().visit(t, v.key, "look"), v.n)
	default:
		v.finds(t, "add", any().visit(t, v.key, "add"), v.n)
		v.n++
	}
}

// end ends the session, which goes on under another key if there is one.
func (v *rollingVisitor) end(key string) { v.ended, v.key = append(v.ended, v.key), key }

func (v *rollingVisitor) finds(t *testing.T, what string, got visited, want int) {
	t.Helper()
	if got.N != want {
		t.Errorf("%s at %s: the session holds %d, want %d", what, got.by, got.N, want)
	}
}
