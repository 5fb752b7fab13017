package djauth_test

import (
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
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

// sessionModelCode replaces names of stepCode.
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
`

func (m sessionModel) test(t *testing.T, version string, db djangotest.Database) {
	apps := []string{"django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", m.app}
	cache := t.TempDir()
	s := modelSite{newSite(t, version, db, djangotest.Settings{
		"INSTALLED_APPS": apps, "SESSION_ENGINE": m.engine,
		"CACHES": map[string]any{"default": map[string]any{"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": cache}},
	}), m, cache}
	s.django.Do(t, m.code, nil, nil)
	s.django.Do(t, stepCode, nil, nil)
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
	steps := stepSite{site: s.site, saved: m.saved != "", reopen: func(t *testing.T) { s.openURL(t, "?model="+m.name+m.options) }}
	steps.steps(t)
	if m.cached {
		s.otherPrefix(t)
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

// otherPrefix tests that Check notices a cache under another prefix than Django's.
func (s *modelSite) otherPrefix(t *testing.T) {
	other, err := storeurl.OpenCachedDB("filecache:///"+s.cache+"?session_prefix=acme", s.db.URL+"?model="+s.name+s.options, s.settings)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if found := other.Check(t.Context()); len(found) != 1 || !strings.Contains(found[0].Error(), "cache_key_prefix") {
		t.Errorf("under another prefix, Check finds %v", found)
	}
}
