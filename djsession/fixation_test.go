package djsession_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// viewActions are actions of a handler that may create a session.
var viewActions = map[string]func(ctx context.Context, s *djsession.Session) error{
	"read":        func(_ context.Context, s *djsession.Session) error { s.GetString("a"); return nil },
	"set":         func(_ context.Context, s *djsession.Session) error { return s.Set("a", 1) },
	"set default": func(_ context.Context, s *djsession.Session) error { return s.SetDefault("a", 1) },
	"update":      func(_ context.Context, s *djsession.Session) error { return s.SetAll(map[string]any{"a": 1}) },
	"apply":       func(_ context.Context, s *djsession.Session) error { return s.Apply(edit.Set("a", 1)) },
	"clear":       func(_ context.Context, s *djsession.Session) error { return s.Clear() },
	"expiry": func(_ context.Context, s *djsession.Session) error {
		return s.SetExpiry(djsession.AfterIdle(time.Hour))
	},
	"test cookie":  func(_ context.Context, s *djsession.Session) error { return s.SetTestCookie() },
	"set modified": func(_ context.Context, s *djsession.Session) error { s.SetModified(true); return nil },
	"save":         func(ctx context.Context, s *djsession.Session) error { return s.Save(ctx) },
	"cycle":        func(ctx context.Context, s *djsession.Session) error { return s.CycleKey(ctx) },
	"flush":        func(ctx context.Context, s *djsession.Session) error { return s.Flush(ctx) },
}

// An attacker invents a session key and makes a visitor's browser send it. Whatever the handler
// does, and with any settings of the manager, no session is stored under that key and no cookie
// holds it.
func TestMadeUpKeyIsNeverAdopted(t *testing.T) {
	for name, set := range map[string]func(*djsession.Manager, *djsession.Settings){
		"merging":       func(m *djsession.Manager, _ *djsession.Settings) { m.AcceptEmptyStore = true },
		"overwriting":   func(m *djsession.Manager, _ *djsession.Settings) { m.AcceptEmptyStore, m.Overwrite = true, true },
		"unknown store": func(m *djsession.Manager, _ *djsession.Settings) { m.AcceptEmptyStore = false },
		"every request": func(_ *djsession.Manager, s *djsession.Settings) { s.SessionSaveEveryRequest = true },
		"every request, overwriting": func(m *djsession.Manager, s *djsession.Settings) {
			m.Overwrite, s.SessionSaveEveryRequest = true, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			settings := mustSettings(t)
			set(new(djsession.Manager), settings)
			store := newStore(t, settings)
			m := newManager(t, store, settings)
			m.Observer = nil
			set(m, settings)
			a := newAttack(t, store)
			server := serving(t, false, m.Handler(view(a.view(t))))
			for _, cookie := range slices.Sorted(maps.Keys(a.cookies)) {
				for range 15 {
					a.try(t, server, cookie)
				}
			}
			a.check(t)
		})
	}
}

// attack is a set of cookies with invented keys.
type attack struct {
	store   *dbstore.Store
	random  *rand.Rand
	cookies map[string]string // Cookie header to the key in it
	ended   map[string]string // the stored sessions that have ended
	did     []string          // the actions of the handler
}

func newAttack(t *testing.T, store *dbstore.Store) *attack {
	expired := stored(t, store, `{"a":1,"_session_expiry":-5}`)
	deleted := stored(t, store, `{"a":1}`)
	if err := store.Delete(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	a := &attack{store: store, random: rand.New(rand.NewPCG(1, 2)), cookies: map[string]string{}}
	for _, key := range []string{
		"attacker", "attackerattackerattackerattacker", "ATTACKERATTACKERATTACKERATTACKER", strings.Repeat("a", 40),
		strings.Repeat("a", 41), "../../attacker", "attacker'--", "attacker%", "attackér", expired, deleted,
		strings.ToUpper(expired), expired + " x",
	} {
		a.cookies["sessionid="+key] = key
	}
	a.cookies[`sessionid="\141ttacker"`] = "attacker"
	a.cookies[`sessionid="attacker\012\000"`] = "attacker\n\x00"
	a.cookies[`sessionid=x; sessionid=attacker2`] = "attacker2"
	a.ended = map[string]string{expired: a.all(t)[expired]}
	return a
}

// all returns all stored sessions as text, also those that have ended.
func (a *attack) all(t *testing.T) map[string]string {
	all := map[string]string{}
	for r, err := range a.store.Scan(t.Context(), djsession.Range{Expired: true}) {
		if err != nil {
			t.Fatal(err)
		}
		all[r.Key] = fixture.JSON(t, r.Values) + r.Expires.String()
	}
	return all
}

// view is a handler with random actions.
func (a *attack) view(t *testing.T) func(http.ResponseWriter, *http.Request, *djsession.Session) {
	names := slices.Sorted(maps.Keys(viewActions))
	return func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		cookie := r.Header.Get("Cookie")
		for range 1 + a.random.IntN(4) {
			name := names[a.random.IntN(len(names))]
			a.did = append(a.did, name)
			if err := viewActions[name](r.Context(), s); err != nil {
				djsession.Error(w, r, fmt.Errorf("%s: %w", name, err))
				return
			}
			if s.Key() == a.cookies[cookie] {
				t.Errorf("%s: %v: the session has the invented key", cookie, a.did)
			}
		}
	}
}

// try sends the cookie.
func (a *attack) try(t *testing.T, server *httptest.Server, cookie string) {
	t.Helper()
	a.did = nil
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got := fetched{header: res.Header}.cookie(t)
	if got == a.cookies[cookie] || got != "" && got != "deleted" && !randomKey.MatchString(got) {
		t.Errorf("%s: %v: cookie %q", cookie, a.did, got)
	}
}

var randomKey = regexp.MustCompile(`^[a-z0-9]{32}$`)

// check looks for the keys in the store.
func (a *attack) check(t *testing.T) {
	t.Helper()
	all := a.all(t)
	for cookie, key := range a.cookies {
		if got, found := all[key]; found && got != a.ended[key] {
			t.Errorf("%s: stored %s", cookie, got)
		}
	}
	for key := range all {
		if !randomKey.MatchString(key) {
			t.Errorf("stored under %q", key)
		}
	}
}
