package djsession_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// loggedInSite is a live Django whose visitors are logged in.
type loggedInSite struct {
	*djangotest.Django
	db        djangotest.Database
	secretKey string
}

const pythonLogin = `
	migrate()
	from django.contrib import auth
	from django.contrib.auth.middleware import AuthenticationMiddleware
	from django.contrib.sessions.middleware import SessionMiddleware
	from django.db import connection, transaction
	from django.http import HttpResponse
	from django.test import RequestFactory

	def visit(cookie, view):
		request = RequestFactory().get("/", HTTP_COOKIE=cookie)
		result = {}
		def respond(request):
			result["view"] = view(request)
			return HttpResponse()
		response = SessionMiddleware(AuthenticationMiddleware(respond))(request)
		return result["view"], response.cookies

	def log_in(name):
		user = User.objects.create(username=name, password="pbkdf2_sha256$1$salt$" + name)
		def view(request):
			request.session["cart"] = {"lines": [name, 1.0]}
			auth.login(request, user, "django.contrib.auth.backends.ModelBackend")
		return visit("", view)[1]["sessionid"].value

	def log_in_all(names):
		with transaction.atomic():
			keys = [log_in(name) for name in names]
		return [{"key": key, "values": values(key)} for key in keys]

	def who(cookie):
		return visit(cookie, lambda request: request.user.get_username())[0]

	def rows():
		with connection.cursor() as cursor:
			cursor.execute("SELECT session_key, session_data, CAST(expire_date AS text) FROM django_session ORDER BY session_key")
			sessions = [repr(row) for row in cursor.fetchall()]
			cursor.execute("SELECT username, password, CAST(last_login AS text) FROM auth_user ORDER BY id")
			return sessions + [repr(row) for row in cursor.fetchall()]

	def values(key):
		return [repr(item) for item in SessionStore(key).items() if item[0] != "go"]
`

func startLoggedInSite(t *testing.T, version, secretKey string) *loggedInSite {
	t.Helper()
	return startLoggedInSiteOn(t, version, secretKey, djangotest.Settings{})
}

func startLoggedInSiteOn(t *testing.T, version, secretKey string, settings djangotest.Settings) *loggedInSite {
	t.Helper()
	db := djangotest.SQLite(t)
	settings["SECRET_KEY"], settings["DATABASES"] = secretKey, db.Settings()
	s := &loggedInSite{djangotest.Start(t, version, settings), db, secretKey}
	s.Do(t, pythonLogin, nil, nil)
	return s
}

// settings returns the settings of the site.
func (s *loggedInSite) settings(t *testing.T) *djsession.Settings {
	t.Helper()
	settings, err := djsession.NewSettings(s.Version, s.secretKey)
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func (s *loggedInSite) open(t *testing.T, settings *djsession.Settings) djsession.Store {
	t.Helper()
	store, err := storeurl.Open(s.db.URL+"?_pragma=synchronous(0)", settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// rows returns the rows of the tables of sessions and users.
func (s *loggedInSite) rows(t *testing.T) (rows []string) {
	t.Helper()
	s.Do(t, `result = rows()`, nil, &rows)
	return rows
}

// visitor is a browser with a cookie jar.
type visitor struct {
	name   string
	key    string   // of the session at Django
	values []string // of that session
	client *http.Client
}

// visitors logs visitors in at Django, so that they can then visit a Go service. The last visitor
// has never been at Django.
func (s *loggedInSite) visitors(t *testing.T, service string, names ...string) (all []*visitor) {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	var loggedIn []struct {
		Key    string
		Values []string
	}
	s.Do(t, `result = log_in_all(args)`, names, &loggedIn)
	// Not http.DefaultTransport: the end of any httptest.Server closes its connections.
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	for i, name := range append(names, "") {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		v := &visitor{name: name, client: &http.Client{Jar: jar, Transport: transport}}
		if name != "" {
			v.key, v.values = loggedIn[i].Key, loggedIn[i].Values
			jar.SetCookies(u, []*http.Cookie{{Name: "sessionid", Value: v.key, Path: "/"}})
		}
		all = append(all, v)
	}
	return all
}

// who returns the user that Django finds by the cookies in the jar.
func (v *visitor) who(t *testing.T, s *loggedInSite, service string) (name string) {
	t.Helper()
	u, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, c := range v.client.Jar.Cookies(u) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	s.Do(t, `result = who(args)`, strings.Join(cookies, "; "), &name)
	return name
}

// loggedOut returns the visitors whom Django no longer knows.
func (s *loggedInSite) loggedOut(t *testing.T, visitors []*visitor, service string) (names []string) {
	t.Helper()
	for _, v := range visitors {
		if v.name != "" && v.who(t, s, service) != v.name {
			names = append(names, v.name)
		}
	}
	return names
}

// damaged returns the visitors whose sessions have other values in Django than before, apart from
// the value that the Go service sets.
func (s *loggedInSite) damaged(t *testing.T, visitors []*visitor) (names []string) {
	t.Helper()
	for _, v := range visitors {
		var now []string
		s.Do(t, `result = values(args)`, v.key, &now)
		if v.name != "" && !slices.Equal(now, v.values) {
			names = append(names, v.name)
		}
	}
	return names
}

// traffic sends a number of requests of each visitor to each path.
func traffic(t *testing.T, visitors []*visitor, service string, times int, paths ...string) {
	t.Helper()
	var all sync.WaitGroup
	for _, v := range visitors {
		all.Go(func() {
			for range times {
				for _, path := range paths {
					res, err := v.client.Get(service + path)
					if err != nil {
						t.Error(err)
						return
					}
					io.Copy(io.Discard, res.Body)
					res.Body.Close()
				}
			}
		})
	}
	all.Wait()
}

// goService is a service that uses sessions.
func goService(m *djsession.Manager, auth *djauth.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/read", view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		io.WriteString(w, s.GetString("cart"))
	}))
	mux.Handle("/write", view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("go", 1) }))
	mux.Handle("/login", view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		err := s.CycleKey(r.Context())
		if err == nil {
			err = s.Set("go", "logged in")
		}
		if err != nil {
			djsession.Error(w, r, err)
		}
	}))
	mux.Handle("/logout-and-write", view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Flush(r.Context()) // a careless handler ignores the error
		s.Set("go", "logged out")
	}))
	mux.Handle("/user", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, err := auth.User(r); err != nil {
			djsession.Error(w, r, err)
		} else if user != nil {
			io.WriteString(w, user.Username)
		}
	}))
	mux.Handle("/static", hello)
	return m.Handler(mux)
}
