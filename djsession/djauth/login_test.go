package djauth_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Each case makes two sessions alike. Zoe is logged in over the one by Django, and
// over the other by Go, and both must leave the same.
var loginCases = []struct {
	name, code string // the code assigns the session's key
	raises     bool   // Django does, where Go makes a new session
}{
	{name: "no session", code: `key = None`},
	{name: "a key that nobody knows", code: `key = "0123456789abcdef0123456789abcdef"`},
	{name: "an empty session", code: `session = SessionStore(); session.create(); key = session.session_key`},
	{name: "an anonymous visitor", code: `session = SessionStore(); session["cart"] = [1.0]; session.save(); key = session.session_key`},
	{name: "the same user", code: `key = log_in("zoe", cart=[1.0])`},
	{name: "the same user by a number", code: `key = log_in("zoe", cart=[1.0]); change(key, _auth_user_id=find("zoe").pk)`},
	{name: "the same user by another backend", code: `key = log_in("zoe", cart=[1.0], backend="other.Backend")`},
	{name: "the same user, another password", code: `key = log_in("zoe", cart=[1.0]); change(key, _auth_user_hash="0" * 64)`},
	{name: "the same user without hash", code: `key = log_in("zoe", cart=[1.0]); change(key, _auth_user_hash=Ellipsis)`},
	{name: "another user", code: `key = log_in("max", cart=[1.0])`},
	{name: "no id, but a hash", code: `key = log_in("max", cart=[1.0]); change(key, _auth_user_id=Ellipsis)`},
	{name: "an id that is null", code: `key = log_in("max", cart=[1.0]); change(key, _auth_user_id=None)`},
	{name: "an id that is none", code: `key = log_in("max", cart=[1.0]); change(key, _auth_user_id="x")`, raises: true},
}

// outcome is the state after a login.
type outcome struct {
	Key  string // new, kept or none
	Old  string // whether the row of the old key is still there
	Held string // what the session holds
	CSRF string // the cookie, but for its value and the time
}

func TestLogin(t *testing.T) {
	onDatabases(t, func(t *testing.T, version string, db djangotest.Database) {
		s := newSite(t, version, db, nil)
		s.django.Do(t, `make_user("zoe"); make_user("max")`, nil, nil)
		for _, c := range loginCases {
			t.Run(c.name, func(t *testing.T) {
				var keys [2]string
				s.django.Do(t, `
					result = []
					for _ in range(2):
						exec(args)
						result.append(key or "")
				`, c.code, &keys)

				var at struct{ Cookie, CSRF string }
				err := s.django.Try(`result = visit(lambda request: auth.login(request, find("zoe"), MODEL_BACKEND), args)`, keys[0], &at)
				if (err != nil) != c.raises {
					t.Fatalf("Django: %v", err)
				}
				want := s.outcome(t, keys[0], at.Cookie, at.CSRF)

				before := time.Now().Truncate(time.Microsecond)
				var user *djauth.User
				w := s.visit(t, keys[1], func(w http.ResponseWriter, r *http.Request) error {
					user = s.zoe(t)
					if err := s.auth.Login(w, r, user, ""); err != nil {
						return err
					}
					if again, err := s.auth.User(r); again != user || err != nil {
						t.Errorf("who was logged in is %v, %v", again, err)
					}
					return nil
				})
				if w.Code != http.StatusOK {
					t.Fatalf("status %d: %s", w.Code, w.Body)
				}
				key := cookie(t, w, "sessionid")
				got := s.outcome(t, keys[1], key, cookieLine(w, "csrftoken"))
				if c.raises {
					want = got
					if got.Key != "new" || got.Old != "" || strings.Contains(got.Held, "cart") {
						t.Errorf("%+v", got)
					}
				}
				if got != want {
					t.Errorf("Go leaves\n%+v\nDjango\n%+v", got, want)
				}
				if w.Header().Get("Vary") != "Cookie" {
					t.Errorf("Vary: %q", w.Header()["Vary"])
				}
				if at := s.djangoWho(t, key); at != (seen{User: "zoe"}) {
					t.Errorf("in Django %v", at)
				}
				if at, zoe := s.who(t, key); at != (seen{User: "zoe"}) || !zoe.LastLogin.Equal(user.LastLogin) || zoe.LastLogin.Before(before) {
					t.Errorf("in Go %v, last login %v", at, zoe.LastLogin)
				}
			})
		}
	})
}

// Two logins at once, as by a double click: each gets a session of its own, though
// the one has deleted what the other began with.
func TestLoginTwice(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var key string
	s.django.Do(t, `make_user("zoe"); session = SessionStore(); session["cart"] = [1.0]; session.save(); result = session.session_key`, nil, &key)
	w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
		if _, err := djsession.FromRequest(r); err != nil {
			return err
		}
		first := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") })
		if at := s.djangoWho(t, cookie(t, first, "sessionid")); at != (seen{User: "zoe"}) || s.row(t, key) != "" {
			t.Errorf("the first: %v", at)
		}
		return s.auth.Login(w, r, s.zoe(t), "")
	})
	if at := s.djangoWho(t, cookie(t, w, "sessionid")); at != (seen{User: "zoe"}) || s.row(t, key) != "" {
		t.Errorf("the second: status %d, %v", w.Code, at)
	}
}

func (s *site) zoe(t *testing.T) *djauth.User {
	t.Helper()
	users, err := djauth.UsersIn(s.store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	user, err := users.UserByUsername(t.Context(), "zoe")
	if err != nil {
		t.Fatal(err)
	}
	return user
}

var (
	randomValue = regexp.MustCompile(`^csrftoken=([A-Za-z0-9]{32}){1,2};`)
	expires     = regexp.MustCompile(`expires=[^;]*`)
)

func (s *site) outcome(t *testing.T, old, new, csrf string) outcome {
	t.Helper()
	o := outcome{Key: "new", Old: s.row(t, old), Held: s.items(t, new)}
	switch new {
	case "":
		o.Key = "none"
	case old:
		o.Key, o.Old = "kept", ""
	}
	// The lengths count: 64 characters up to Django 4.0, 32 since.
	o.CSRF = randomValue.ReplaceAllStringFunc(csrf, func(value string) string { return strings.Repeat("x", len(value)) })
	o.CSRF = expires.ReplaceAllString(o.CSRF, "expires=…")
	return o
}

// With CSRF_USE_SESSIONS the secret is in the session, and no cookie is set.
func TestCSRF(t *testing.T) {
	for _, version := range djangotest.Djangos() {
		for _, inSession := range []bool{false, true} {
			name := version + " cookie"
			if inSession {
				name = version + " session"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, version, djangotest.SQLite(t), djangotest.Settings{"CSRF_USE_SESSIONS": inSession})
				s.auth.CSRFUseSessions = inSession
				var old struct{ Key, CSRF string }
				s.django.Do(t, `
					make_user("zoe")
					def csrf_secret(answer):
						if settings.CSRF_USE_SESSIONS:
							return SessionStore(answer["cookie"])["_csrftoken"]
						return answer["csrf"].split(";")[0].split("=")[1]

					def posts(key, secret, token):
						"""Whether Django's own check lets a POST with this token pass."""
						request = RequestFactory().post("/", {"csrfmiddlewaretoken": token})
						request.COOKIES["sessionid"] = key
						if secret:
							request.COOKIES["csrftoken"] = secret
						middleware = CsrfViewMiddleware(lambda request: HttpResponse())
						request.session = SessionStore(key)
						request._dont_enforce_csrf_checks = False
						middleware.process_request(request)
						return middleware.process_view(request, lambda request: HttpResponse(), (), {}) is None

					def form_token(key, secret):
						"""What a form would hold."""
						request = RequestFactory().get("/")
						if secret:
							request.COOKIES["csrftoken"] = secret
						request.session = SessionStore(key)
						CsrfViewMiddleware(lambda request: HttpResponse()).process_request(request)
						return get_token(request)

					def view(request):
						request.session["cart"] = [1]
						get_token(request)
					answer = visit(view)
					old = {"key": answer["cookie"], "csrf": csrf_secret(answer)}
					result = old
				`, nil, &old)
				w := s.visit(t, old.Key, func(w http.ResponseWriter, r *http.Request) error {
					return s.auth.Login(w, r, s.zoe(t), "")
				})
				key, secret := cookie(t, w, "sessionid"), cookie(t, w, "csrftoken")
				if (secret == "") != inSession {
					t.Errorf("csrftoken=%q", secret)
				}
				var got map[string]bool
				s.django.Do(t, `
					key, secret = args["key"], args["secret"]
					stored = SessionStore(key).get("_csrftoken") or secret
					result = {
						"form": posts(key, secret, form_token(key, secret)),
						"script": posts(key, secret, stored),
						"old": posts(key, secret, old["csrf"]),
						"same": stored == old["csrf"],
						"as long": len(stored) == len(old["csrf"]),
					}
				`, map[string]string{"key": key, "secret": secret}, &got)
				for name, want := range map[string]bool{"form": true, "script": true, "old": false, "same": false, "as long": true} {
					if got[name] != want {
						t.Errorf("%s: %v", name, got[name])
					}
				}
			})
		}
	}
}

// Settings of the CSRF cookie are Django's.
func TestCSRFCookie(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	s.django.Do(t, `make_user("zoe")`, nil, nil)
	for _, c := range []struct {
		settings string
		set      func(a *djauth.Auth)
	}{
		{`CSRF_COOKIE_AGE = None`, func(a *djauth.Auth) { a.CSRFCookieAge = 0 }},
		{`CSRF_COOKIE_AGE = 60; CSRF_COOKIE_DOMAIN = ".example.com"; CSRF_COOKIE_PATH = "/x/"`, func(a *djauth.Auth) {
			a.CSRFCookieAge, a.CSRFCookieDomain, a.CSRFCookiePath = time.Minute, ".example.com", "/x/"
		}},
		{`CSRF_COOKIE_SECURE = True; CSRF_COOKIE_HTTPONLY = True; CSRF_COOKIE_SAMESITE = "Strict"`, func(a *djauth.Auth) {
			a.CSRFCookieSecure, a.CSRFCookieHTTPOnly, a.CSRFCookieSameSite = true, true, "Strict"
		}},
		{`CSRF_COOKIE_SAMESITE = False`, func(a *djauth.Auth) { a.CSRFCookieSameSite = "" }},
	} {
		var at struct{ Cookie, CSRF string }
		s.django.Do(t, `
			from django.test import override_settings
			values = {}
			exec(args, {}, values)
			with override_settings(**values):
				result = visit(lambda request: auth.login(request, find("zoe"), MODEL_BACKEND))
		`, c.settings, &at)
		s.open(t, djauth.UserModel{})
		c.set(s.auth)
		w := s.visit(t, "", func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") })
		got := s.outcome(t, "", cookie(t, w, "sessionid"), cookieLine(w, "csrftoken"))
		if want := s.outcome(t, "", at.Cookie, at.CSRF); got.CSRF != want.CSRF || got.CSRF == "" {
			t.Errorf("%s\n%s\nin Django\n%s", c.settings, got.CSRF, want.CSRF)
		}
	}
}

// A login that fails changes nothing.
func TestLoginRefused(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var key string
	s.django.Do(t, `make_user("zoe"); make_user("max"); result = log_in("max")`, nil, &key)
	before := s.row(t, key)
	login := func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, s.zoe(t), "") }
	for _, c := range []struct {
		name string
		do   func(w http.ResponseWriter, r *http.Request) error
		is   error
		says string
	}{
		{"response begun", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := djsession.FromRequest(r); err != nil {
				return err
			}
			w.WriteHeader(http.StatusOK)
			return login(w, r)
		}, djsession.ErrResponseStarted, ""},
		{"response begun, session not asked for", func(w http.ResponseWriter, r *http.Request) error {
			w.WriteHeader(http.StatusOK)
			return login(w, r)
		}, djsession.ErrResponseStarted, ""},
		{"read-only", func(w http.ResponseWriter, r *http.Request) error {
			s.manager.ReadOnly = true
			defer func() { s.manager.ReadOnly = false }()
			return login(w, r)
		}, djsession.ErrReadOnly, ""},
		{"nobody", func(w http.ResponseWriter, r *http.Request) error { return s.auth.Login(w, r, nil, "") }, nil, "no user"},
		{"a user of no model", func(w http.ResponseWriter, r *http.Request) error {
			return s.auth.Login(w, r, &djauth.User{ID: "x"}, "")
		}, nil, "not a primary key"},
		{"a user who is gone", func(w http.ResponseWriter, r *http.Request) error {
			return s.auth.Login(w, r, &djauth.User{ID: "999", Password: "x"}, "")
		}, djauth.ErrNoUser, ""},
		{"several backends", func(w http.ResponseWriter, r *http.Request) error {
			s.auth.AuthenticationBackends = []string{djauth.ModelBackend, djauth.RemoteUserBackend}
			defer func() { s.auth.AuthenticationBackends = []string{djauth.ModelBackend} }()
			return login(w, r)
		}, nil, "which backend"},
		{"a backend that is not listed", func(w http.ResponseWriter, r *http.Request) error {
			return s.auth.Login(w, r, s.zoe(t), djauth.RemoteUserBackend)
		}, nil, "AuthenticationBackends"},
		{"last_login cannot be set", func(w http.ResponseWriter, r *http.Request) error {
			s.django.Do(t, `
				from django.db import connection
				connection.cursor().execute("CREATE TRIGGER no BEFORE UPDATE ON auth_user BEGIN SELECT RAISE(ABORT, 'no'); END")
			`, nil, nil)
			defer s.django.Do(t, `connection.cursor().execute("DROP TRIGGER no")`, nil, nil)
			return login(w, r)
		}, nil, "last_login"},
		{"no manager", func(w http.ResponseWriter, r *http.Request) error {
			return login(w, r.WithContext(t.Context()))
		}, djsession.ErrNoManager, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := s.visit(t, key, func(w http.ResponseWriter, r *http.Request) error {
				err := c.do(w, r)
				if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), key) {
					t.Errorf("%v", err)
				}
				return nil
			})
			if len(w.Header().Values("Set-Cookie")) > 0 || s.row(t, key) != before {
				t.Errorf("%v, or the row changed", w.Header())
			}
		})
	}
	if s.zoe(t).LastLogin != (time.Time{}) {
		t.Error("last_login was set")
	}
}

func TestLogout(t *testing.T) {
	for _, version := range djangotest.Djangos() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, version, djangotest.SQLite(t), nil)
			for _, c := range []struct{ name, code string }{
				{"a user", `key = log_in("zoe", cart=[1.0])`},
				{"a user with a language", `key = log_in("zoe", _language="pl\u00e9\U0001f600")`},
				{"a user with no language", `key = log_in("zoe", _language=None)`},
				{"nobody", `session = SessionStore(); session["cart"] = [1.0]; session.save(); key = session.session_key`},
				{"no session", `key = ""`},
			} {
				var keys [2]string
				s.django.Do(t, `
					if not User.objects.count():
						make_user("zoe")
					result = []
					for _ in range(2):
						exec(args)
						result.append(key)
				`, c.code, &keys)
				var django, got seen
				s.django.Do(t, `result = visit(auth.logout, args); result["user"] = ""`, keys[0], &django)
				w := s.visit(t, keys[1], func(w http.ResponseWriter, r *http.Request) error {
					if _, err := s.auth.User(r); err != nil {
						return err
					}
					if err := s.auth.Logout(r); err != nil {
						return err
					}
					user, err := s.auth.User(r)
					if user != nil {
						t.Errorf("%v is still there", user)
					}
					return err
				})
				got.Cookie = cookie(t, w, "sessionid")
				if len(got.Cookie) == 32 && len(django.Cookie) == 32 {
					if held, djangos := s.items(t, got.Cookie), s.items(t, django.Cookie); held != djangos {
						t.Errorf("%s: %s is left, by Django %s", c.name, held, djangos)
					}
					got.Cookie, django.Cookie = "new", "new"
				}
				if got != django || s.row(t, keys[1]) != "" || w.Code != http.StatusOK {
					t.Errorf("%s: %v, in Django %v", c.name, got, django)
				}
				if at := s.djangoWho(t, keys[1]); at.User != "" {
					t.Errorf("%s: in Django %v", c.name, at)
				}
				language := strings.HasSuffix(c.name, "with a language") && version == "2.2"
				if (got.Cookie == "new") != language {
					t.Errorf("%s: cookie %s", c.name, got.Cookie)
				}
			}
		})
	}
}
