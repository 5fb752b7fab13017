package djsession_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// hooked is a store in memory that calls a function once before an operation. If that returns an
// error, the operation fails.
type hooked struct {
	*djsessiontest.Store
	op   string
	hook func() error
}

func (h *hooked) before(op string) error {
	if h.hook == nil || !strings.Contains(h.op, op) {
		return nil
	}
	hook := h.hook
	h.hook = nil
	return hook()
}

func (h *hooked) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if err := h.before("load"); err != nil {
		return nil, err
	}
	return h.Store.Load(ctx, key)
}

func (h *hooked) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if err := h.before("create"); err != nil {
		return nil, err
	}
	return h.Store.Create(ctx, key, v, expires)
}

func (h *hooked) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if err := h.before("replace"); err != nil {
		return nil, err
	}
	return h.Store.Replace(ctx, old, v, expires)
}

func (h *hooked) Delete(ctx context.Context, key string) error {
	if err := h.before("delete"); err != nil {
		return err
	}
	return h.Store.Delete(ctx, key)
}

// moving are an old and a new store and transitions over them, and a session that is in both unless a test
// says otherwise.
type moving struct {
	*testing.T
	old, new *hooked
	key      string
}

func newMoving(t *testing.T) *moving {
	settings := mustSettings(t)
	m := &moving{T: t, old: &hooked{Store: djsessiontest.NewStore(settings)}, new: &hooked{Store: djsessiontest.NewStore(settings)}}
	m.key = stored(t, m.in(djsession.ReadOldWriteBoth), `{"n":0}`)
	return m
}

func (m *moving) in(phase djsession.Phase) djsession.Store {
	m.Helper()
	return transition(m.T, m.old, m.new, phase)
}

func (m *moving) save(phase djsession.Phase, n int) error {
	_, err := djsession.Update(m.Context(), m.in(phase), m.key, edit.Set("n", n))
	return err
}

// hold checks the sessions in both stores.
func (m *moving) hold(old, new string) {
	m.Helper()
	if a, b := holds(m.T, m.old, m.key), holds(m.T, m.new, m.key); a != old || b != new {
		m.Errorf("old holds %s and new %s, want %s and %s", a, b, old, new)
	}
}

// Something happens between a save and its copy, or between the copy and the look after it.
func TestTransitionRaces(t *testing.T) {
	all := phases[1:]
	for _, test := range []struct {
		name   string
		phases []djsession.Phase
		// during happens before the save's operation op on the store with the copies.
		op     string
		during func(m *moving) error
		want   string // in both stores
	}{
		{"a logout before the copy", all, "replace", func(m *moving) error { return m.in(2).Delete(m.Context(), m.key) }, "nothing"},
		{"a logout of a neighbour before the copy", all, "replace", func(m *moving) error { return m.in(4).Delete(m.Context(), m.key) }, "nothing"},
		{"a save before the copy", all[:1], "replace", func(m *moving) error { return m.save(2, 2) }, `{"n":2}`},
		{"a neighbour's save before the copy", all[:1], "replace", func(m *moving) error { return m.save(1, 2) }, `{"n":2}`},
		{"a save before the copy", all[2:], "replace", func(m *moving) error { return m.save(4, 2) }, `{"n":2}`},
		// Two workers in different phases that save at the same time: either may be the later one.
		{"a save of phase 3 before the copy", all[:1], "replace", func(m *moving) error { return m.save(3, 2) }, ""},
		{"a save of phase 4 before the copy", all[:1], "replace", func(m *moving) error { return m.save(4, 2) }, ""},
		{"a save of phase 2 before the copy", all[1:], "replace", func(m *moving) error { return m.save(2, 2) }, ""},
	} {
		for _, phase := range test.phases {
			t.Run(fmt.Sprintf("%s/%d", test.name, phase), func(t *testing.T) {
				m := newMoving(t)
				m.copies(phase).op = test.op
				m.copies(phase).hook = func() error { return test.during(m) }
				if err := m.save(phase, 1); err != nil && test.want != "nothing" {
					t.Error(err)
				}
				want := test.want
				if want == "" {
					want = holds(t, m.old, m.key)
				}
				m.hold(want, want)
				if want == `{"n":0}` {
					t.Error("both saves are lost")
				}
			})
		}
	}
}

// A worker in the phase before creates the first copy while this one saves, or migrate does.
func TestTransitionFirstCopy(t *testing.T) {
	for what, create := range map[string]func(m *moving) error{
		"migrate": func(m *moving) error {
			r, err := m.old.Store.Load(m.Context(), m.key)
			if err == nil {
				_, err = m.new.Store.Create(m.Context(), m.key, fixture.Values(m.T, `{"n":0}`), r.Expires)
			}
			return err
		},
		"a save": func(m *moving) error { return m.save(2, 5) },
		"a save whose worker ends before the copy": func(m *moving) error {
			_, err := djsession.Update(m.Context(), m.old.Store, m.key, edit.Set("n", 5))
			return err
		},
	} {
		for _, phase := range phases[:2] {
			for _, at := range []string{"before the save", "before the copy"} {
				t.Run(fmt.Sprintf("%s/%s/%d", what, at, phase), func(t *testing.T) {
					m := newMoving(t)
					if err := m.new.Store.Delete(t.Context(), m.key); err != nil {
						t.Fatal(err)
					}
					stop := m.new
					stop.op = "create"
					if at == "before the save" {
						stop = m.old
						stop.op = "replace"
					}
					stop.hook = func() error { return create(m) }
					if err := m.save(phase, 1); err != nil {
						t.Fatal(err)
					}
					want := holds(t, m.old, m.key)
					if phase == djsession.ReadOldUpdateNew && (at == "before the copy" || what == "a save whose worker ends before the copy") {
						m.hold(want, "nothing") // this phase creates no copy
						return
					}
					m.hold(want, want)
				})
			}
		}
	}
}

// A visitor logs out while another request of his saves. Whatever comes between what, the session is in
// neither store afterwards.
func TestTransitionLogout(t *testing.T) {
	for _, phase := range phases[1:] {
		for _, neighbour := range phases[1:] {
			if neighbour-phase > 2 || phase-neighbour > 2 {
				continue
			}
			for _, copied := range []bool{true, false} {
				t.Run(fmt.Sprintf("%d, saved in %d, copied %v", phase, neighbour, copied), func(t *testing.T) {
					logout := func(m *moving) error { return m.in(phase).Delete(m.Context(), m.key) }
					for what, race := range map[string]func(m *moving) error{
						"a logout between the save and the copy": func(m *moving) error {
							m.copies(neighbour).op, m.copies(neighbour).hook = "create replace", func() error { return logout(m) }
							return ignoring(m.save(neighbour, 1), djsession.ErrNotFound)
						},
						"a logout between the copy and the look after it": func(m *moving) error {
							decider := m.decider(neighbour)
							decider.op, decider.hook = "replace", func() error {
								decider.op, decider.hook = "load", func() error { return logout(m) }
								return nil
							}
							return ignoring(m.save(neighbour, 1), djsession.ErrNotFound)
						},
						"a save before the old copy is deleted": func(m *moving) error {
							m.copies(phase).op, m.copies(phase).hook = "delete", func() error { return m.save(neighbour, 1) }
							return logout(m)
						},
						"a save after the copy is deleted": func(m *moving) error {
							m.decider(phase).op = "delete"
							m.decider(phase).hook = func() error { return ignoring(m.save(neighbour, 1), djsession.ErrNotFound) }
							return logout(m)
						},
					} {
						m := newMoving(t)
						if !copied {
							if err := m.copies(neighbour).Store.Delete(t.Context(), m.key); err != nil {
								t.Fatal(err)
							}
						}
						if err := race(m); err != nil {
							t.Errorf("%s: %v", what, err)
						}
						if a, b := holds(t, m.old, m.key), holds(t, m.new, m.key); a != "nothing" || b != "nothing" {
							t.Errorf("%s: old holds %s and new %s", what, a, b)
						}
					}
				})
			}
		}
	}
}

func ignoring(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// decider is the store that decides in a phase, and copies the other one.
func (m *moving) decider(phase djsession.Phase) *hooked {
	if phase > djsession.ReadOldWriteBoth {
		return m.new
	}
	return m.old
}

func (m *moving) copies(phase djsession.Phase) *hooked {
	if phase > djsession.ReadOldWriteBoth {
		return m.old
	}
	return m.new
}

// Many save one session at once. In one phase no save is lost, and in several the stores agree at the end.
func TestTransitionManyWriters(t *testing.T) {
	const writers, each = 8, 25
	for name, of := range map[string][]djsession.Phase{"1": phases[:1], "2": phases[1:2], "1 and 2": phases[:2], "3": phases[2:3], "4": phases[3:], "2 and 3": phases[1:3], "2 and 4": {2, 4}, "2, 3 and 4": phases[1:]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMoving(t)
			var all sync.WaitGroup
			for i := range writers {
				store := m.in(of[i%len(of)])
				all.Go(func() {
					for range each {
						if _, err := djsession.Update(t.Context(), store, m.key, edit.Add("n", 1)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			want := holds(t, m.old, m.key)
			if len(of) == 1 {
				want = fmt.Sprintf(`{"n":%d}`, writers*each)
			}
			m.hold(want, want)
		})
	}
}

// A phase in which workers that know only the old store still run creates no copies, and updates those
// that are there.
func TestTransitionUpdatesOnly(t *testing.T) {
	m := newMoving(t)
	if err := m.save(1, 1); err != nil {
		t.Fatal(err)
	}
	m.hold(`{"n":1}`, `{"n":1}`)
	if err := m.new.Store.Delete(t.Context(), m.key); err != nil {
		t.Fatal(err)
	}
	if err := m.save(1, 2); err != nil {
		t.Fatal(err)
	}
	m.hold(`{"n":2}`, "nothing")
	m.key = stored(t, m.in(1), `{"n":3}`)
	m.hold(`{"n":3}`, "nothing")
}

// A store that fails in the middle of an operation.
func TestTransitionOutage(t *testing.T) {
	down := errors.New("down")
	fail := func(h *hooked, op string) { h.op, h.hook = op, func() error { return down } }
	for _, phase := range phases[1:] {
		t.Run(fmt.Sprint(phase), func(t *testing.T) {
			m := newMoving(t)
			decider, copies := m.decider(phase), m.copies(phase)

			// Before anything is written or removed.
			fail(copies, "load")
			if err := m.save(phase, 1); !errors.Is(err, down) || errors.Is(err, djsession.ErrOutcomeUnknown) {
				t.Errorf("save: %v", err)
			}
			fail(copies, "delete")
			if err := m.in(phase).Delete(t.Context(), m.key); !errors.Is(err, down) {
				t.Errorf("delete: %v", err)
			}
			m.hold(`{"n":0}`, `{"n":0}`)
			fail(decider, "replace")
			if err := m.save(phase, 1); !errors.Is(err, down) {
				t.Errorf("save: %v", err)
			}
			m.hold(`{"n":0}`, `{"n":0}`)

			// After the save. The change must not be made again, and the next save makes the copy good.
			fail(copies, "replace")
			err := m.save(phase, 1)
			if !errors.Is(err, down) || !errors.Is(err, djsession.ErrOutcomeUnknown) || strings.Contains(err.Error(), m.key) {
				t.Errorf("save: %v", err)
			}
			if got := holds(t, decider, m.key); got != `{"n":1}` {
				t.Errorf("the store that decides holds %s", got)
			}
			if err := m.save(phase, 2); err != nil {
				t.Error(err)
			}
			m.hold(`{"n":2}`, `{"n":2}`)

			// A new session is in both stores or in none.
			fail(copies, "create")
			const key = "akeyofthecallers"
			if _, err := m.in(phase).Create(t.Context(), key, nil, time.Time{}); !errors.Is(err, down) {
				t.Errorf("create: %v", err)
			}
			if got := holds(t, decider, key); got != "nothing" {
				t.Errorf("after a failed create the store that decides holds %s", got)
			}

			// The caller can repeat a deletion that failed half-way.
			fail(decider, "delete")
			if err := m.in(phase).Delete(t.Context(), m.key); !errors.Is(err, down) {
				t.Errorf("delete: %v", err)
			}
			if got := holds(t, decider, m.key); got != `{"n":2}` {
				t.Errorf("the store that decides holds %s", got)
			}
			if err := m.in(phase).Delete(t.Context(), m.key); err != nil {
				t.Error(err)
			}
			m.hold("nothing", "nothing")
		})
	}
}

// A copy ends when the session ends, and saves do not make it live longer.
func TestTransitionExpiry(t *testing.T) {
	m := newMoving(t)
	for _, phase := range phases[1:] {
		store := m.in(phase)
		r, err := store.Load(t.Context(), m.key)
		if err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(time.Duration(phase) * time.Hour).Truncate(time.Second)
		if _, err := store.Replace(t.Context(), r, r.Values, end); err != nil {
			t.Fatal(err)
		}
		for name, side := range map[string]*hooked{"old": m.old, "new": m.new} {
			if r, err := side.Load(t.Context(), m.key); err != nil || !r.Expires.Equal(end) {
				t.Errorf("phase %d: in the %s store it ends %v, want %v (%v)", phase, name, r.Expires, end, err)
			}
		}
	}
}

// A scan in the phase that reads both stores yields each session once.
func TestTransitionScan(t *testing.T) {
	m := newMoving(t)
	only := stored(t, m.old, `{"only":"old"}`)
	stored(t, m.new, `{"only":"new"}`)
	seen := map[string]int{}
	for r, err := range m.in(djsession.ReadNewElseOld).(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.Key]++
	}
	if len(seen) != 3 || seen[m.key] != 1 || seen[only] != 1 {
		t.Errorf("the scan yields %d sessions: %v", len(seen), seen)
	}
}

// A session that is found in the old store alone shows nothing about the new one. So no new session is
// stored, which would replace the visitor's cookie.
func TestTransitionFallbackIsNoProof(t *testing.T) {
	m := newMoving(t)
	if err := m.new.Store.Delete(t.Context(), m.key); err != nil {
		t.Fatal(err)
	}
	manager := newManager(t, m.in(djsession.ReadNewElseOld), mustSettings(t))
	manager.AcceptEmptyStore = false
	if w := visit(t, manager, m.key, setGo); w.Code != 200 || cookieOf(t, w) != m.key {
		t.Errorf("the visitor's own session: status %d", w.Code)
	}
	// The save has copied it. Before that, a visitor without a session gets none.
	m = newMoving(t)
	if err := m.new.Store.Delete(t.Context(), m.key); err != nil {
		t.Fatal(err)
	}
	manager = newManager(t, m.in(djsession.ReadNewElseOld), mustSettings(t))
	manager.AcceptEmptyStore = false
	visit(t, manager, m.key, func(_ http.ResponseWriter, _ *http.Request, s *djsession.Session) { s.Has("n") })
	if w := visit(t, manager, "", setGo); w.Code != 500 || cookieOf(t, w) != "" {
		t.Errorf("a new session in a store that may not be the site's: status %d, cookie %q", w.Code, cookieOf(t, w))
	}
}

// With a wrong SECRET_KEY, a service that moves sessions out of a cache, which signs nothing, writes none that Django
// could not read.
func TestTransitionWrongKey(t *testing.T) {
	site, ours := mustSettings(t), mustSettings(t)
	ours.SecretKey = "another"
	rows := newStore(t, site)
	cache := signsNothing{djsessiontest.NewStore(ours)} // it opens under every key
	store := transition(t, cache, reopen(t, rows, ours), djsession.ReadOldWriteBoth)
	key := stored(t, cache, `{"n":0}`)
	save := func() error {
		_, err := djsession.Update(t.Context(), store, key, edit.Set("n", 1))
		return err
	}
	// Nothing is there yet that could show the key.
	if err := save(); err != nil || holds(t, rows, key) != "nothing" {
		t.Errorf("as long as the new store is empty: %v, and it holds %s", err, holds(t, rows, key))
	}
	others := stored(t, rows, `{"django":1}`)
	if err := save(); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("save under a wrong key: %v", err)
	}
	if _, err := rows.Create(t.Context(), key, fixture.Values(t, `{"n":5}`), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := save(); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("save over a copy under a wrong key: %v", err)
	}
	if _, err := store.Create(t.Context(), "", nil, time.Time{}); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("create under a wrong key: %v", err)
	}
	if holds(t, rows, key) != `{"n":5}` || holds(t, rows, others) != `{"django":1}` {
		t.Errorf("Django reads %s and %s", holds(t, rows, key), holds(t, rows, others))
	}

	// Under the site's key the same session is copied.
	right := transition(t, signsNothing{djsessiontest.NewStore(site)}, rows, djsession.ReadOldWriteBoth)
	if key := stored(t, right, `{"n":9}`); holds(t, rows, key) != `{"n":9}` {
		t.Errorf("under the site's key the new store holds %s", holds(t, rows, key))
	}
}

// signsNothing is a store that says that it signs nothing.
type signsNothing struct{ *djsessiontest.Store }

func (signsNothing) IsUnsigned() bool { return true }

func TestTransitionCheck(t *testing.T) {
	m := newMoving(t)
	for _, phase := range phases {
		if found := m.in(phase).(djsession.Checker).Check(t.Context()); len(found) > 0 {
			t.Errorf("phase %d: %v", phase, found)
		}
	}
	other := newMoving(t) // has sessions of its own
	m.new = other.new
	for _, phase := range phases[1:] {
		found := m.in(phase).(djsession.Checker).Check(t.Context())
		if len(found) != 1 || !strings.Contains(found[0].Error(), "none of the 1 newest sessions") {
			t.Errorf("phase %d with another site's store: %v", phase, found)
		}
	}
}

func TestTransitionRefusals(t *testing.T) {
	settings, other := mustSettings(t), mustSettings(t)
	other.SecretKey = "another"
	store := djsessiontest.NewStore(settings)
	cookies, err := cookiestore.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		old, new djsession.Store
		phase    djsession.Phase
		want     string
	}{
		"no phase":       {store, djsessiontest.NewStore(settings), 0, "phase 0"},
		"no such phase":  {store, djsessiontest.NewStore(settings), 5, "phase 5"},
		"no old store":   {nil, store, 1, "old store"},
		"no new store":   {store, nil, 1, "new store"},
		"one store":      {store, store, 1, "is the new store"},
		"other settings": {store, djsessiontest.NewStore(other), 1, "SECRET_KEY"},
		"signed_cookies": {store, cookies, 1, "in their keys"},
	} {
		if _, err := djsession.Transition(test.old, test.new, test.phase); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Package djauth finds the users if there is one database to look in.
func TestTransitionUsers(t *testing.T) {
	settings := mustSettings(t)
	rows, memory := newStore(t, settings), djsessiontest.NewStore(settings)
	for name, stores := range map[string][2]djsession.Store{"from": {rows, memory}, "to": {memory, rows}} {
		if _, err := djauth.UsersIn(transition(t, stores[0], stores[1], 2), djauth.UserModel{}); err != nil {
			t.Errorf("%s a database: %v", name, err)
		}
	}
	if _, err := djauth.UsersIn(transition(t, rows, newStore(t, settings), 2), djauth.UserModel{}); err == nil {
		t.Error("from a database to another: no error")
	}
}
