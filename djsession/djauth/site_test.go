package djauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	_ "github.com/djsess/djsess/internal/testing/fastsqlite"
)

func TestMain(m *testing.M) { os.Exit(djangotest.Main(m)) }

// sqlStore is the store of a site: engine db, or cached_db.
type sqlStore interface {
	storeurl.Store
	djsession.Scanner
	djsession.SQLStore
	djsession.Checker
}

// site is a live Django and a Go service on one database.
type site struct {
	django   *djangotest.Django
	db       djangotest.Database
	settings *djsession.Settings
	store    sqlStore
	manager  *djsession.Manager
	auth     *djauth.Auth

	mu       sync.Mutex
	refusals []string // what the Observer was told since the service was opened
}

// prelude are names for the code of the tests.
const prelude = `
	migrate()
	from django.contrib import auth
	from django.contrib.auth import backends
	from django.contrib.sessions.middleware import SessionMiddleware
	from django.http import HttpResponse
	from django.middleware.csrf import CsrfViewMiddleware, get_token
	from django.test import RequestFactory

	MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"

	def visit(view, key=None):
		"""What a view answers, and what becomes of the session and its cookie."""
		request = RequestFactory().get("/")
		if key:
			request.COOKIES["sessionid"] = key
		seen = {}

		def respond(request):
			seen["user"] = view(request)
			return HttpResponse()

		csrf = CsrfViewMiddleware(respond)
		response = SessionMiddleware(csrf)(request)
		cookie = response.cookies.get("sessionid")
		seen["cookie"] = "" if cookie is None else cookie.value or "deleted"
		seen["csrf"] = response.cookies["csrftoken"].OutputString() if "csrftoken" in response.cookies else ""
		return seen

	def who(request):
		user = auth.get_user(request)
		return "" if user.is_anonymous else user.get_username()

	def make_user(name, **fields):
		return User._default_manager.create(**dict({User.USERNAME_FIELD: name, "password": "pbkdf2_sha256$1$salt$" + name}, **fields))

	def find(name):
		return User._default_manager.get(**{User.USERNAME_FIELD: name})

	def log_in(name, key=None, backend=MODEL_BACKEND, **values):
		"""The key of a session of this user."""
		def view(request):
			request.session.update(values)
			auth.login(request, find(name), backend)
		return visit(view, key)["cookie"]

	def change(key, **values):
		"""Set values of a stored session; Ellipsis stands for none."""
		session = SessionStore(key)
		for name, value in values.items():
			session[name] = value
			if value is Ellipsis:
				del session[name]
		session.save()

	def items(key):
		return None if key is None or not SessionStore().exists(key) else list(SessionStore(key).items())
`

// newSite starts a Django with further settings and a Go service beside it.
func newSite(t *testing.T, version string, db djangotest.Database, further djangotest.Settings) *site {
	t.Helper()
	django := djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true}
	for name, value := range further {
		django[name] = value
	}
	settings, err := djsession.NewSettings(version, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	settings.UseTZ = django["USE_TZ"].(bool)
	if zone, ok := django["TIME_ZONE"].(string); ok {
		settings.TimeZone = zone
	}
	s := &site{django: djangotest.Start(t, version, django), db: db, settings: settings}
	s.django.Do(t, prelude, nil, nil)
	s.open(t, djauth.UserModel{})
	return s
}

// open makes the Go service, with the settings as they are now.
func (s *site) open(t *testing.T, model djauth.UserModel) {
	t.Helper()
	url := s.db.URL
	if zone, ok := s.db.Django["TIME_ZONE"].(string); ok {
		url += "?time_zone=" + zone
	}
	store, err := storeurl.Open(url, s.settings)
	if err != nil {
		t.Fatal(err)
	}
	s.openOn(t, store.(sqlStore), model)
}

// openOn makes the Go service over a store.
func (s *site) openOn(t *testing.T, store sqlStore, model djauth.UserModel) {
	t.Helper()
	t.Cleanup(func() { store.Close() })
	s.store = store
	var err error
	if s.manager, err = djsession.NewManager(store); err != nil {
		t.Fatal(err)
	}
	s.manager.AcceptEmptyStore = true
	s.observe(t)
	users, err := djauth.UsersIn(store, model)
	if err != nil {
		t.Fatal(err)
	}
	if s.auth, err = djauth.New(users); err != nil {
		t.Fatal(err)
	}
}

// observe records the events of the Observer.
func (s *site) observe(t *testing.T) {
	s.refusals = nil
	s.manager.Observer = func(ctx context.Context, e djsession.Event) {
		if e.Err != nil && !errors.Is(e.Err, djsession.ErrNotFound) {
			t.Logf("session %s %s: %v", e.Kind, e.Session, e.Err)
		}
		if e.Kind == djsession.EventRefusal {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.refusals = append(s.refusals, e.Session+" "+e.Err.Error())
		}
	}
}

// visit sends a request with a session key to a handler of the Go service.
func (s *site) visit(t *testing.T, key string, view func(http.ResponseWriter, *http.Request) error) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if key != "" {
		r.Header.Set("Cookie", "sessionid="+key)
	}
	w := httptest.NewRecorder()
	s.manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := view(w, r); err != nil {
			t.Log(err)
			djsession.Error(w, r, err)
		}
	})).ServeHTTP(w, r)
	return w
}

// seen is the result of a visit at Django or Go.
type seen struct {
	User   string // "" for nobody
	Cookie string // "" when it was left alone, "deleted", or the new session's key
}

// who returns the user of a session, by the Go service.
func (s *site) who(t *testing.T, key string) (seen, *djauth.User) {
	t.Helper()
	var got seen
	var user *djauth.User
	w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) (err error) {
		if user, err = s.auth.User(r); user != nil {
			got.User = user.Username
		}
		return err
	})
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	got.Cookie = cookie(t, w, "sessionid")
	return got, user
}

// djangoWho returns the user of a session, by Django.
func (s *site) djangoWho(t *testing.T, key string) seen {
	t.Helper()
	var got seen
	s.django.Do(t, `result = visit(who, args)`, key, &got)
	return got
}

// cookie is a cookie that a response sets.
func cookie(t *testing.T, w *httptest.ResponseRecorder, name string) string {
	t.Helper()
	line := cookieLine(w, name)
	if strings.HasPrefix(line, name+`=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0`) {
		return "deleted"
	}
	value, _, _ := strings.Cut(strings.TrimPrefix(line, name+"="), ";")
	return value
}

func cookieLine(w *httptest.ResponseRecorder, name string) string {
	for _, line := range w.Header().Values("Set-Cookie") {
		if strings.HasPrefix(line, name+"=") {
			return line
		}
	}
	return ""
}

// row is all that the table has of a session, "" when it has none.
func (s *site) row(t *testing.T, key string) string {
	t.Helper()
	var row string
	s.django.Do(t, `result = repr(list(Session.objects.filter(session_key=args).values_list()))`, key, &row)
	return strings.TrimPrefix(row, "[]")
}

// items returns the values of a stored session, as Python's JSON.
func (s *site) items(t *testing.T, key string) string {
	t.Helper()
	var items string
	s.django.Do(t, `result = json.dumps(items(args))`, key, &items)
	return items
}

// onDatabases runs a test with each Django on SQLite, and with the oldest and the newest
// on the others.
func onDatabases(t *testing.T, test func(t *testing.T, version string, db djangotest.Database)) {
	for _, kind := range djangotest.Databases() {
		versions := djangotest.OldestAndNewest()
		if kind.Kind == "sqlite" {
			versions = djangotest.Djangos()
		}
		for _, version := range versions {
			t.Run(version+"/"+kind.Kind, func(t *testing.T) {
				t.Parallel()
				test(t, version, kind.New(t))
			})
		}
	}
}
