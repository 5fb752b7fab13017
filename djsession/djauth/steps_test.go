package djauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/edit"
)

// stepSite is a site on which Go and Django take turns: see steps.
type stepSite struct {
	*site
	users   djauth.UserModel
	reopen  func(t *testing.T) // opens the Go service with the settings as they are now
	saved   bool               // rows say when they were saved
	noLogin string             // in the error of a login at Go, if nobody can log in there
	ends    bool               // Django ends sessions that are under a fallback key
}

// stepCode defines names for the code of the steps, besides those of prelude. A test
// replaces those that differ in its site, and defines log_out_everywhere.
const stepCode = `
	def row(key):
		"""What a row says besides the session: its user, when it was saved, and what only the site writes."""
		return {"User": int(SessionStore(key).get("_auth_user_id", 0)), "Saved": 0, "Kept": ""}

	Session.objects.all().delete()
	User._default_manager.all().delete()
	make_user("amy")
	make_user("zoe")
`

// steps does all that Go does with a site's sessions, and what Django does in between:
// nobody is logged out who should not be, everybody is who should be, and no request fails.
func (s *stepSite) steps(t *testing.T) {
	for _, step := range []struct {
		name string
		do   func(*stepSite, *testing.T)
	}{
		{"list and get", (*stepSite).list},
		{"set and unset", (*stepSite).set},
		{"create and delete", (*stepSite).create},
		{"login at Go", (*stepSite).login},
		{"login at Django", (*stepSite).loginAtDjango},
		{"log out everywhere at Django", (*stepSite).logoutEverywhere},
		{"logout at Go", (*stepSite).logout},
		{"a visitor's GET that saves", (*stepSite).get},
		{"check", (*stepSite).check},
		{"a fallback key", (*stepSite).fallback},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(s, t) })
	}
}

// logIn is a login at Django, whose session Django knows the user of.
func (s *stepSite) logIn(t *testing.T, name string) (key string) {
	t.Helper()
	s.django.Do(t, `result = log_in(args, cart=1)`, name, &key)
	return key
}

// setValue is a handler that sets a session value.
func setValue(name string, value any) func(http.ResponseWriter, *http.Request) error {
	return func(_ http.ResponseWriter, r *http.Request) error {
		session, err := djsession.FromRequest(r)
		if err != nil {
			return err
		}
		return session.Set(name, value)
	}
}

// modelRow is a row's further columns.
type modelRow struct {
	User  int
	Saved float64
	Kept  string
}

func (s *stepSite) columns(t *testing.T, key string) (row modelRow) {
	t.Helper()
	s.django.Do(t, `result = row(args)`, key, &row)
	return row
}

// isUser tests which user a visitor is for Django and for Go.
func (s *stepSite) isUser(t *testing.T, key, want string) {
	t.Helper()
	if got, _ := s.who(t, key); got.User != want {
		t.Errorf("to Go the visitor is %q, want %q", got.User, want)
	}
	if got := s.djangoWho(t, key); got.User != want {
		t.Errorf("to Django the visitor is %q, want %q", got.User, want)
	}
}

func (s *stepSite) list(t *testing.T) {
	want := []string{s.logIn(t, "zoe"), s.logIn(t, "amy")}
	var got []string
	for r, err := range s.store.Scan(t.Context(), djsession.Range{}) {
		if err != nil || !r.Values.Has("_auth_user_id") {
			t.Errorf("%v, %v", r, err)
			continue
		}
		got = append(got, r.Key)
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("%d sessions, want %d", len(got), len(want))
	}
	if r, err := s.store.Load(t.Context(), want[0]); err != nil || !r.Values.Has("cart") {
		t.Errorf("%v, %v", r, err)
	}
	if got, _ := s.who(t, want[0]); got.Cookie != "" || got.User == "" {
		t.Errorf("%v", got)
	}
}

func (s *stepSite) set(t *testing.T) {
	key := s.logIn(t, "zoe")
	before := s.columns(t, key)
	if _, err := djsession.Update(t.Context(), s.store, key, edit.Set("cart", 2)); err != nil {
		t.Fatal(err)
	}
	after := s.columns(t, key)
	if after.User != before.User || after.User == 0 || after.Kept != before.Kept || s.saved && after.Saved <= before.Saved {
		t.Errorf("before %+v, after %+v", before, after)
	}
	s.isUser(t, key, "zoe")
	_, err := djsession.Update(t.Context(), s.store, key, func(v *djsession.Values) error {
		v.Delete("_auth_user_id", "_auth_user_backend", "_auth_user_hash")
		return nil
	})
	if after := s.columns(t, key); err != nil || after.User != 0 || after.Kept != before.Kept {
		t.Errorf("without a user, %v: %+v", err, after)
	}
	s.isUser(t, key, "")
}

func (s *stepSite) create(t *testing.T) {
	v := new(djsession.Values)
	if err := v.Set("a", 1); err != nil {
		t.Fatal(err)
	}
	r, err := s.store.Create(t.Context(), "", v, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if row := s.columns(t, r.Key); row.User != 0 || s.saved && row.Saved == 0 {
		t.Errorf("%+v", row)
	}
	var got int
	if s.django.Do(t, `result = SessionStore(args).get("a")`, r.Key, &got); got != 1 {
		t.Errorf("Django reads %d", got)
	}
	if err := s.store.Delete(t.Context(), r.Key); err != nil {
		t.Error(err)
	}
	var exists bool
	if s.django.Do(t, `result = SessionStore().exists(args)`, r.Key, &exists); exists {
		t.Error("it is there in Django")
	}
}

// login logs an anonymous visitor in.
func (s *stepSite) login(t *testing.T) {
	if s.noLogin != "" {
		if _, err := s.tryLogin(t, "", "zoe"); err == nil || !strings.Contains(err.Error(), s.noLogin) {
			t.Errorf("login at Go: %v", err)
		}
		return
	}
	var anonymous string
	s.django.Do(t, `result = visit(lambda request: request.session.update({"cart": 1}))["cookie"]`, nil, &anonymous)
	key := s.loginAtGo(t, anonymous, "zoe")
	if row := s.columns(t, key); row.User != s.columns(t, s.logIn(t, "zoe")).User {
		t.Errorf("%+v", row)
	}
	if items := s.items(t, key); key == anonymous || !strings.Contains(items, `"cart"`) || s.items(t, anonymous) != "null" {
		t.Errorf("the new session holds %s, the old one %s", items, s.items(t, anonymous))
	}
	s.isUser(t, key, "zoe")
}

// loginAtDjango logs a visitor in to whom Go gave a session.
func (s *stepSite) loginAtDjango(t *testing.T) {
	w := s.visit(t, "", setValue("seen", true))
	var key string
	s.django.Do(t, `result = log_in("zoe", args)`, cookie(t, w, "sessionid"), &key)
	if items := s.items(t, key); w.Code != http.StatusOK || !strings.Contains(items, `["seen", true]`) {
		t.Errorf("status %d, Django reads %s", w.Code, items)
	}
	s.isUser(t, key, "zoe")
}

// loginAtGo is a login at Go where that is possible, else at Django.
func (s *stepSite) loginAtGo(t *testing.T, key, name string) string {
	t.Helper()
	if s.noLogin != "" {
		return s.logIn(t, name)
	}
	key, err := s.tryLogin(t, key, name)
	if err != nil {
		t.Fatalf("login at Go: %v", err)
	}
	return key
}

func (s *stepSite) tryLogin(t *testing.T, key, name string) (newKey string, failure error) {
	t.Helper()
	w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
		users, err := djauth.UsersIn(s.store, s.users)
		if err != nil {
			return err
		}
		user, err := users.UserByUsername(r.Context(), name)
		if err != nil {
			return err
		}
		failure = s.auth.Login(w, r, user, "")
		return failure
	})
	if failure == nil && w.Code != http.StatusOK {
		t.Fatalf("login at Go: status %d", w.Code)
	}
	return cookie(t, w, "sessionid"), failure
}

func (s *stepSite) logoutEverywhere(t *testing.T) {
	sessions := []string{s.loginAtGo(t, "", "zoe"), s.logIn(t, "zoe"), s.loginAtGo(t, "", "zoe")}
	stays := []string{s.loginAtGo(t, "", "amy"), s.logIn(t, "amy")}
	for _, key := range sessions {
		s.isUser(t, key, "zoe")
	}
	s.django.Do(t, `log_out_everywhere(args)`, "zoe", nil)
	for _, key := range sessions {
		s.isUser(t, key, "")
	}
	for _, key := range stays {
		s.isUser(t, key, "amy")
	}
}

func (s *stepSite) logout(t *testing.T) {
	key, stays := s.logIn(t, "amy"), s.logIn(t, "amy")
	s.isUser(t, key, "amy")
	w := s.visit(t, key, func(_ http.ResponseWriter, r *http.Request) error { return s.auth.Logout(r) })
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	s.isUser(t, key, "")
	s.isUser(t, stays, "amy")
}

// get is the first save of a new visitor, and a save of one who is logged in.
func (s *stepSite) get(t *testing.T) {
	w := s.visit(t, "", setValue("seen", true))
	key := cookie(t, w, "sessionid")
	if w.Code != http.StatusOK || s.items(t, key) != `[["seen", true]]` {
		t.Errorf("status %d, Django reads %s", w.Code, s.items(t, key))
	}
	key = s.logIn(t, "zoe")
	s.isUser(t, key, "zoe")
	w = s.visit(t, key, setValue("cart", 2))
	if w.Code != http.StatusOK || !strings.Contains(s.items(t, key), `["cart", 2]`) {
		t.Errorf("status %d, Django reads %s", w.Code, s.items(t, key))
	}
	s.isUser(t, key, "zoe")
}

// check tests that the checks are content beside a live site.
func (s *stepSite) check(t *testing.T) {
	s.isUser(t, s.logIn(t, "amy"), "amy")
	for _, err := range s.store.Check(t.Context()) {
		t.Errorf("check: %v", err)
	}
	if err := s.auth.Check(t.Context(), s.manager); err != nil {
		t.Errorf("check of users: %v", err)
	}
}

// fallback changes the SECRET_KEY. Only Djangos from 4.1 on have fallbacks.
func (s *stepSite) fallback(t *testing.T) {
	if !s.settings.AtLeast(4, 1) {
		return
	}
	read, saved, replaced := s.logIn(t, "amy"), s.logIn(t, "amy"), s.logIn(t, "amy")
	s.isUser(t, replaced, "amy")
	before := s.row(t, read)
	s.django.Do(t, `
		settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
		settings.SECRET_KEY = "the new one"
	`, nil, nil)
	s.settings.SecretKeyFallbacks, s.settings.SecretKey = []string{s.settings.SecretKey}, "the new one"
	s.reopen(t)
	want := "amy"
	if s.ends {
		want = ""
	}
	if got, _ := s.who(t, read); got != (seen{User: want}) || s.row(t, read) != before {
		t.Errorf("to Go the visitor is %v, or the row was changed", got)
	}
	s.logIn(t, "zoe") // a signature by the new key
	w := s.visit(t, saved, setValue("cart", 2))
	if row := s.columns(t, saved); w.Code != http.StatusOK || row.User == 0 {
		t.Errorf("a save under a fallback key: status %d, %+v", w.Code, row)
	}
	for _, key := range []string{read, saved} {
		if got := s.djangoWho(t, key); got.User != want {
			t.Errorf("to Django the visitor is %v", got)
		}
	}
	if s.noLogin == "" {
		s.isUser(t, s.loginAtGo(t, replaced, "zoe"), "zoe")
		s.isUser(t, replaced, "")
	}
}
