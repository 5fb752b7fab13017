package djauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// sessionModel is a session model with columns of its own, as a package or Django's manual has it.
type sessionModel struct {
	name     string // of dbstore.ModelNamed
	options  string // of the URL
	app      string
	engine   string // SESSION_ENGINE
	model    string // where Django finds it
	code     string // for what differs in Django
	user     string // the column with the user
	saved    string // a column with the time of the last save, or ""
	versions []string
	kind     string // the database of make test; make test-all has all of them
	findings int    // of Check if nothing is described
	cached   bool   // the engine is cached_db, with a FileBasedCache
}

var sessionModels = []sessionModel{
	{name: "account_id", options: "&table=account_sessions_accountsession", app: "account_sessions", engine: "account_sessions.store",
		model: "account_sessions.models.AccountSession", user: "account_id", versions: djangotest.Versions, kind: "sqlite", findings: 1},
	{name: "user_sessions", app: "user_sessions", engine: "user_sessions.backends.db", model: "user_sessions.models.Session",
		code: "from user_sessions.middleware import SessionMiddleware", user: "user_id", saved: "last_activity",
		versions: djangotest.Since("3.2"), kind: "postgres", findings: 2},
	{name: "qsessions", app: "qsessions", engine: "qsessions.backends.db", model: "qsessions.models.Session",
		code: "from qsessions.middleware import SessionMiddleware", user: "user_id", saved: "updated_at",
		versions: djangotest.Since("4.2"), kind: "mariadb", findings: 2},
	{name: "qsessions", app: "qsessions", engine: "qsessions.backends.cached_db", model: "qsessions.models.Session",
		code: "from qsessions.middleware import SessionMiddleware", user: "user_id", saved: "updated_at",
		versions: djangotest.Since("4.2"), kind: "sqlite", findings: 2, cached: true},
}

// TestSessionModels tests Go beside Djangos that have a session model of their own.
func TestSessionModels(t *testing.T) {
	for _, m := range sessionModels {
		for _, kind := range djangotest.Databases() {
			versions := djangotest.OldestAndNewest(m.versions...)
			if !djangotest.Everything() {
				if versions = versions[len(versions)-1:]; kind.Kind != m.kind {
					continue
				}
			}
			for _, version := range versions {
				t.Run(m.engine+"/"+kind.Kind+"/"+version, func(t *testing.T) {
					t.Parallel()
					djangotest.NeedModule(t, version, m.moduleOf())
					m.test(t, version, kind.New(t))
				})
			}
		}
	}
}

// moduleOf returns a module that has to be installed.
func (m *sessionModel) moduleOf() string {
	if m.app == "account_sessions" {
		return "django" // the app itself is in testdata
	}
	return m.app
}

// modelSite is a site with a session model.
type modelSite struct {
	*site
	sessionModel
	cache string // the folder of its cache
}

// sessionModelCode defines names for the code of the test, besides those of prelude.
const sessionModelCode = `
	from django.utils.module_loading import import_string
	names = args
	Session = import_string(names["model"])

	def row(key):
		"""What a row says besides the session: its user, when it was saved, and what only the site writes."""
		row = Session.objects.get(session_key=key)
		saved = getattr(row, names["saved"]) if names["saved"] else None
		return {
			"User": getattr(row, names["user"]) or 0,
			"Saved": saved and saved.timestamp() or 0,
			"Kept": repr([getattr(row, name, None) for name in ("ip", "user_agent", "created_at")]),
		}

	def log_out_everywhere(name):
		for session in Session.objects.filter(**{names["user"]: find(name).pk}):
			session.delete()

	make_user("amy")
	make_user("zoe")
`

func (m sessionModel) test(t *testing.T, version string, db djangotest.Database) {
	apps := []string{"django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", m.app}
	cache := t.TempDir()
	s := modelSite{newSite(t, version, db, djangotest.Settings{
		"INSTALLED_APPS": apps, "SESSION_ENGINE": m.engine,
		"CACHES": map[string]any{"default": map[string]any{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": cache}},
	}), m, cache}
	s.django.Do(t, m.code, nil, nil)
	s.django.Do(t, sessionModelCode, map[string]string{"model": m.model, "user": m.user, "saved": m.saved}, nil)
	table := strings.TrimPrefix(m.options, "&")
	if table == "" {
		ready, err := dbstore.ModelNamed(m.name)
		if err != nil {
			t.Fatal(err)
		}
		table = "table=" + ready.Table
	}
	s.openURL(t, "?"+table)
	if found := s.store.Check(t.Context()); len(found) != m.findings {
		t.Errorf("if nothing is described, Check finds %v", found)
	}
	if m.saved != "" {
		if _, err := s.store.Create(t.Context(), "", nil, time.Time{}); err == nil || !strings.Contains(err.Error(), "Session tables of your own") {
			t.Errorf("if nothing is described, Create returns %v", err)
		}
	}
	s.openURL(t, "?model="+m.name+m.options)
	for _, err := range s.store.Check(t.Context()) {
		t.Errorf("check: %v", err)
	}
	for _, step := range []struct {
		name string
		do   func(*modelSite, *testing.T)
	}{
		{"list and get", (*modelSite).list},
		{"set and unset", (*modelSite).set},
		{"create and delete", (*modelSite).create},
		{"login at Go", (*modelSite).login},
		{"log out everywhere at Django", (*modelSite).logoutEverywhere},
		{"logout at Go", (*modelSite).logout},
		{"a visitor's GET that saves", (*modelSite).get},
		{"check", (*modelSite).check},
		{"a fallback key", (*modelSite).fallback},
	} {
		t.Run(step.name, func(t *testing.T) { step.do(&s, t) })
	}
}

// openURL opens the Go service with options of the URL.
func (s *modelSite) openURL(t *testing.T, options string) {
	t.Helper()
	var store storeurl.Store
	var err error
	if s.cached {
		store, err = storeurl.OpenCachedDB("filecache:///"+s.cache, s.db.URL+options, s.settings)
	} else {
		store, err = storeurl.Open(s.db.URL+options, s.settings)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.openOn(t, store.(sqlStore), djauth.UserModel{})
}

// logIn is a login at Django, whose session Django knows the user of.
func (s *modelSite) logIn(t *testing.T, name string) (key string) {
	t.Helper()
	s.django.Do(t, `result = log_in(args, cart=1)`, name, &key)
	return key
}

// modelRow is a row's further columns.
type modelRow struct {
	User  int
	Saved float64
	Kept  string
}

func (s *modelSite) columns(t *testing.T, key string) (row modelRow) {
	t.Helper()
	s.django.Do(t, `result = row(args)`, key, &row)
	return row
}

// isUser tests who Django and Go say that a visitor is.
func (s *modelSite) isUser(t *testing.T, key, want string) {
	t.Helper()
	if got, _ := s.who(t, key); got.User != want {
		t.Errorf("to Go the visitor is %q, want %q", got.User, want)
	}
	if got := s.djangoWho(t, key); got.User != want {
		t.Errorf("to Django the visitor is %q, want %q", got.User, want)
	}
}

func (s *modelSite) list(t *testing.T) {
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

func (s *modelSite) set(t *testing.T) {
	key := s.logIn(t, "zoe")
	before := s.columns(t, key)
	if _, err := djsession.Update(t.Context(), s.store, key, edit.Set("cart", 2)); err != nil {
		t.Fatal(err)
	}
	after := s.columns(t, key)
	if after.User != before.User || after.User == 0 || after.Kept != before.Kept || s.saved != "" && after.Saved <= before.Saved {
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

func (s *modelSite) create(t *testing.T) {
	v := new(djsession.Values)
	if err := v.Set("a", 1); err != nil {
		t.Fatal(err)
	}
	r, err := s.store.Create(t.Context(), "", v, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if row := s.columns(t, r.Key); row.User != 0 || s.saved != "" && row.Saved == 0 {
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
func (s *modelSite) login(t *testing.T) {
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

func (s *modelSite) loginAtGo(t *testing.T, key, name string) string {
	t.Helper()
	w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
		users, err := djauth.UsersIn(s.store, djauth.UserModel{})
		if err != nil {
			return err
		}
		user, err := users.UserByUsername(r.Context(), name)
		if err != nil {
			return err
		}
		return s.auth.Login(w, r, user, "")
	})
	if w.Code != http.StatusOK {
		t.Fatalf("login at Go: status %d", w.Code)
	}
	return cookie(t, w, "sessionid")
}

func (s *modelSite) logoutEverywhere(t *testing.T) {
	sessions := []string{s.loginAtGo(t, "", "zoe"), s.logIn(t, "zoe"), s.loginAtGo(t, "", "zoe")}
	stays := []string{s.loginAtGo(t, "", "amy"), s.logIn(t, "amy")}
	s.django.Do(t, `log_out_everywhere(args)`, "zoe", nil)
	for _, key := range sessions {
		s.isUser(t, key, "")
	}
	for _, key := range stays {
		s.isUser(t, key, "amy")
	}
}

func (s *modelSite) logout(t *testing.T) {
	key, stays := s.logIn(t, "amy"), s.logIn(t, "amy")
	w := s.visit(t, key, func(_ http.ResponseWriter, r *http.Request) error { return s.auth.Logout(r) })
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	s.isUser(t, key, "")
	s.isUser(t, stays, "amy")
}

// get is the first save of a new visitor.
func (s *modelSite) get(t *testing.T) {
	w := s.visit(t, "", func(_ http.ResponseWriter, r *http.Request) error {
		session, err := djsession.FromRequest(r)
		if err != nil {
			return err
		}
		return session.Set("seen", true)
	})
	key := cookie(t, w, "sessionid")
	if w.Code != http.StatusOK || s.items(t, key) != `[["seen", true]]` {
		t.Errorf("status %d, Django reads %s", w.Code, s.items(t, key))
	}
}

// check tests that Check is content beside a live site, and that it notices a cache under another
// prefix than Django's.
func (s *modelSite) check(t *testing.T) {
	s.isUser(t, s.logIn(t, "amy"), "amy")
	for _, err := range s.store.Check(t.Context()) {
		t.Errorf("check: %v", err)
	}
	if !s.cached {
		return
	}
	other, err := storeurl.OpenCachedDB("filecache:///"+s.cache+"?session_prefix=acme", s.db.URL+"?model="+s.name+s.options, s.settings)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if found := other.Check(t.Context()); len(found) != 1 || !strings.Contains(found[0].Error(), "cache_key_prefix") {
		t.Errorf("under another prefix, Check finds %v", found)
	}
}

// fallback changes the SECRET_KEY. Only Djangos from 4.1 on have fallbacks.
func (s *modelSite) fallback(t *testing.T) {
	if !s.settings.AtLeast(4, 1) {
		return
	}
	read, saved := s.logIn(t, "amy"), s.logIn(t, "amy")
	s.django.Do(t, `
		settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
		settings.SECRET_KEY = "the new one"
	`, nil, nil)
	s.settings.SecretKeyFallbacks, s.settings.SecretKey = []string{s.settings.SecretKey}, "the new one"
	s.openURL(t, "?model="+s.name+s.options)
	if got, _ := s.who(t, read); got != (seen{User: "amy"}) {
		t.Errorf("to Go the visitor is %v", got)
	}
	s.logIn(t, "zoe") // a signature by the new key
	w := s.visit(t, saved, func(_ http.ResponseWriter, r *http.Request) error {
		session, err := djsession.FromRequest(r)
		if err != nil {
			return err
		}
		return session.Set("cart", 2)
	})
	if row := s.columns(t, saved); w.Code != http.StatusOK || row.User == 0 {
		t.Errorf("a save under a fallback key: status %d, %+v", w.Code, row)
	}
	for _, key := range []string{read, saved} {
		if got := s.djangoWho(t, key); got.User != "amy" {
			t.Errorf("to Django the visitor is %v", got)
		}
	}
}
