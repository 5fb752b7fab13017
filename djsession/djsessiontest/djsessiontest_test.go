package djsessiontest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/internal/testing/edit"
)

func TestStoreRefusesStaleRecords(t *testing.T) {
	store, ctx := djsessiontest.NewStore(nil), t.Context()
	old, err := store.Create(ctx, "", nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	v := new(djsession.Values)
	// The second write stores the same values, and is a conflict nevertheless.
	current, err := store.Replace(ctx, old, v, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var conflict *djsession.ConflictError
	if _, err := store.Replace(ctx, old, v, time.Time{}); !errors.As(err, &conflict) || conflict.Current.Version != current.Version {
		t.Errorf("replace: %v", err)
	}
	if err := store.DeleteUnchanged(ctx, old); !errors.As(err, &conflict) {
		t.Errorf("delete unchanged: %v", err)
	}
	if err := store.DeleteUnchanged(ctx, current); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"replace": second(store.Replace(ctx, current, v, time.Time{})), "delete unchanged": store.DeleteUnchanged(ctx, current),
		"delete": store.Delete(ctx, current.Key), "load": second(store.Load(ctx, current.Key)),
	} {
		if !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%s of what is gone: %v", what, err)
		}
	}
}

func second(_ *djsession.Record, err error) error { return err }

func TestStoreKeepsEveryUpdate(t *testing.T) {
	store := djsessiontest.NewStore(nil)
	r, err := store.Create(t.Context(), "", nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 50 {
				if _, err := djsession.Update(context.Background(), store, r.Key, edit.Add("n", 1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	if r, err = store.Load(t.Context(), r.Key); err != nil {
		t.Fatal(err)
	}
	if n, err := djsession.GetOr(r.Values, "n", 0); n != 400 || err != nil {
		t.Errorf("%d of 400 updates are stored, %v", n, err)
	}
}

// Sessions end by the clock of the settings. An expired one takes its key until it is deleted.
func TestStoreExpiry(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		t.Fatal(err)
	}
	settings.Now = func() time.Time { return now }
	store, ctx := djsessiontest.NewStore(settings), t.Context()
	short, err := store.Create(ctx, "", nil, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	long, err := store.Create(ctx, "", nil, time.Time{})
	if err != nil || !long.Expires.Equal(now.Add(settings.SessionCookieAge)) {
		t.Fatalf("%v, %v", long, err)
	}
	scan := func(asked djsession.Range) (keys []string) {
		for r, err := range store.Scan(ctx, asked) {
			if err != nil {
				t.Error(err)
			}
			keys = append(keys, r.Key)
		}
		return keys
	}
	if keys := scan(djsession.Range{Newest: 1}); len(keys) != 1 || keys[0] != long.Key {
		t.Errorf("the newest: %v, want %s", keys, long.Key)
	}
	now = now.Add(time.Minute)
	if _, err := store.Load(ctx, short.Key); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("load: %v", err)
	}
	if _, err := store.Create(ctx, short.Key, nil, time.Time{}); !errors.Is(err, djsession.ErrKeyTaken) {
		t.Errorf("create: %v", err)
	}
	if keys := scan(djsession.Range{}); len(keys) != 1 || keys[0] != long.Key {
		t.Errorf("live: %v", keys)
	}
	if keys := scan(djsession.Range{Expired: true}); len(keys) != 2 {
		t.Errorf("live and expired: %v", keys)
	}
	if keys := scan(djsession.Range{Expired: true, Prefix: short.Key[:20]}); len(keys) != 1 || keys[0] != short.Key {
		t.Errorf("by prefix: %v", keys)
	}
	if err := store.Delete(ctx, short.Key); err != nil {
		t.Error(err)
	}
}

// A login ends with the user's password, activity or the user, as in Django.
func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*djsessiontest.Site, *djauth.User)
		want bool
	}{
		"logged in":         {func(*djsessiontest.Site, *djauth.User) {}, true},
		"another password":  {func(s *djsessiontest.Site, u *djauth.User) { u.Password = "new"; s.Users.Set(u) }, false},
		"no longer active":  {func(s *djsessiontest.Site, u *djauth.User) { u.IsActive = false; s.Users.Set(u) }, false},
		"the user is gone":  {func(s *djsessiontest.Site, u *djauth.User) { s.Users.Delete(u.ID) }, false},
		"a backend unknown": {func(s *djsessiontest.Site, _ *djauth.User) { s.Auth.AuthenticationBackends = []string{"another"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			zoe := &djauth.User{ID: "17", Username: "zoe", IsActive: true}
			site := djsessiontest.NewSite(nil, zoe)
			site.Manager.Observer = nil
			r := httptest.NewRequest("GET", "/", nil)
			site.Login(r, zoe)
			c.do(site, zoe)
			var user *djauth.User
			site.Manager.WithSession(func(_ http.ResponseWriter, r *http.Request, _ *djsession.Session) (err error) {
				user, err = site.Auth.User(r)
				return err
			}).ServeHTTP(httptest.NewRecorder(), r)
			if (user != nil) != c.want {
				t.Errorf("user %v", user)
			}
		})
	}
}

// A test follows a visitor from request to request.
func TestContinue(t *testing.T) {
	site := djsessiontest.NewSite(nil)
	handler := site.Manager.WithSession(func(_ http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		if r.URL.Path == "/end" {
			return s.Flush(r.Context())
		}
		return s.Apply(edit.Add("n", 1))
	})
	first, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	handler.ServeHTTP(w, first)
	next := httptest.NewRequest("GET", "/", nil)
	site.Continue(next, first, w.Result())
	handler.ServeHTTP(httptest.NewRecorder(), next)
	if n, err := djsession.GetOr(site.Session(next), "n", 0); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	end, w := httptest.NewRequest("GET", "/end", nil), httptest.NewRecorder()
	site.Continue(end, next, &http.Response{})
	handler.ServeHTTP(w, end)
	last := httptest.NewRequest("GET", "/", nil)
	site.Continue(last, end, w.Result())
	if len(last.Cookies()) != 0 || site.Session(end).Len() != 0 {
		t.Errorf("cookies %v, session %v", last.Cookies(), site.Session(end))
	}
}
