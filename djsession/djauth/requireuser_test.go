package djauth_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

var (
	targets = []string{
		"/", "/account/", "/a+b/?q=c+d", "/a%2Fb", "/a%252Fb", "/żółć/", "/%C5%BC%C3%B3/?q=%C5%BC",
		"/?q=żółć", "/%FF%FE/", "/%E2%82x/", "/%ED%A0%80/", "/a%00b", "/a%0Ab?c%0Ad", "/a;b;c=d/?e;f", "/a:b@c&d=e$f,g",
		"/!~*'()[]{}|^`\"<>\\", "/%21%7E%2A%5B%7B%5C", "/?", "/?a=b?c", "/?a=/b/c&next=/x/", "/?a=%2F&b=%zz&c=%", "/#f", "/?a#f",
		"//evil.example/x", "///evil.example", "/a//b", "/a/./b", "/a/../b", "/../a", "/a/b/..", "/a/..", "/./", "/../../", "/a/../..//b/?c=/../",
		"/a%2F..%2Fb", "/%2e%2e/a/%2e/b", "/a/.../b", "/a/../?next=/b/#x", "/%25", "http://other.example/a/?b", "http://other.example",
		"/" + strings.Repeat("x", 16000), "/" + strings.Repeat("x", 17000), "/?" + strings.Repeat("%2F", 5000),
	}
	loginURLs = []string{
		"/accounts/login/", "/login", "login/", "/login/?a=1", "/login/?next=/x/", "/login/?b=2&next=/x/&a=1&next=/y/&b=3", "/login/?a=b+c%20d&e=%C5%BC&f",
		"/login/?a=/b/&&=c&d==e", "/login/?", "/login/#top", "/login/?#", "/login/?a=1#top?b", "/żółć/?ą=ę", "/lo gin/<>\"/", "/lo%20gin/?%zz=%",
		"//example.com/login/", "//other.example/login/", "//other.example", "//other.example?a=1", "http://example.com/login/", "http://example.com:80/login/",
		"HTTP://example.com/login/", "https://example.com/login/", "http://other.example/login/?a=1#top", "https://sso.example:8443/login",
	}
)

// redirectInDjango defines the redirect of an anonymous visitor.
const redirectInDjango = `
		import io
		from urllib.parse import unquote_to_bytes
		from django.contrib.auth.decorators import login_required
		from django.contrib.auth.models import AnonymousUser
		from django.core.exceptions import SuspiciousOperation
		from django.core.handlers.wsgi import WSGIRequest
		from django.test import override_settings

		import sys, types
		sys.modules["no_urls"] = types.ModuleType("no_urls")
		sys.modules["no_urls"].urlpatterns = []
		settings.ROOT_URLCONF = "no_urls"

		def redirect(target, login_url, secure=False, headers={}, **values):
			"""What a server makes of a request line, and Django of that."""
			if target.startswith("http://"):
				host, slash, target = target[len("http://"):].partition("/")
				headers, target = dict(headers, HTTP_HOST=host), slash + target
			path, _, query = target.partition("?")
			environ = dict({
				"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "HTTP_HOST": "example.com",
				"PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
				"QUERY_STRING": query.encode().decode("latin-1"),
				"wsgi.input": io.BytesIO(), "wsgi.url_scheme": "https" if secure else "http",
			}, **headers)
			request = WSGIRequest(environ)
			request.user = AnonymousUser()
			with override_settings(LOGIN_URL=login_url, **values):
				try:
					return login_required(lambda request: HttpResponse())(request)["Location"]
				except SuspiciousOperation:
					return "400"
`

// The redirect of a visitor who is not logged in is Django's, to the letter.
func TestRedirectIsDjangos(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	s.auth.AllowedHosts = []string{"*"}
	s.django.Do(t, redirectInDjango, nil, nil)
	var want [][]string
	s.django.Do(t, `result = [[redirect(target, url) for target in args["targets"]] for url in args["urls"]]`,
		map[string]any{"targets": targets, "urls": loginURLs}, &want)
	for i, url := range loginURLs {
		s.auth.LoginURL = url
		for j, target := range targets {
			if got := s.redirect(t, target, nil); got != want[i][j] {
				t.Errorf("%.100s to %s:\n%.200s\nin Django\n%.200s", target, url, got, want[i][j])
			}
		}
	}

	// The headers that a proxy sets.
	for _, c := range []struct {
		name, django string
		set          func(a *djauth.Auth)
		request      func(r *http.Request)
	}{
		{"https", `redirect(target, url, secure=True)`, nil, func(r *http.Request) { r.TLS = new(tls.ConnectionState) }},
		{
			"proxy", `redirect(target, url, headers={"HTTP_X_FORWARDED_PROTO": "https, http"}, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))`,
			func(a *djauth.Auth) { a.SecureProxySSLHeader = [2]string{"X-Forwarded-Proto", "https"} },
			func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https, http") },
		},
		{
			"proxy over https says http", `redirect(target, url, secure=True, headers={"HTTP_X_FORWARDED_PROTO": "http"}, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"))`,
			func(a *djauth.Auth) { a.SecureProxySSLHeader = [2]string{"X-Forwarded-Proto", "https"} },
			func(r *http.Request) { r.TLS = new(tls.ConnectionState); r.Header.Set("X-Forwarded-Proto", "http") },
		},
		{
			"header not trusted", `redirect(target, url, headers={"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "sso.example:8443"})`, nil,
			func(r *http.Request) {
				r.Header.Set("X-Forwarded-Proto", "https")
				r.Header.Set("X-Forwarded-Host", "sso.example:8443")
			},
		},
		{
			"host", `redirect(target, url, headers={"HTTP_X_FORWARDED_HOST": "sso.example:8443"}, USE_X_FORWARDED_HOST=True)`,
			func(a *djauth.Auth) { a.UseXForwardedHost = true },
			func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "sso.example:8443") },
		},
	} {
		s.open(t, djauth.UserModel{})
		s.auth.AllowedHosts = []string{"*"}
		if c.set != nil {
			c.set(s.auth)
		}
		for _, url := range []string{"/login/", "https://example.com/login/", "http://example.com/login/", "https://sso.example:8443/", "//sso.example:8443/"} {
			s.auth.LoginURL = url
			var want string
			s.django.Do(t, `target, url = "/a/?b", args; result = `+c.django, url, &want)
			if got := s.redirect(t, "/a/?b", c.request); got != want {
				t.Errorf("%s, to %s:\n%s\nin Django\n%s", c.name, url, got, want)
			}
		}
	}

	s.open(t, djauth.UserModel{})
	s.auth.LoginURL, s.auth.RedirectFieldName = "/login/?a=1+2#x", ""
	if got := s.redirect(t, "/a/", nil); got != "/login/?a=1+2#x" {
		t.Errorf("without a parameter: %s", got)
	}
	s.auth.LoginURL, s.auth.RedirectFieldName = "/login/", "to & fro"
	if got := s.redirect(t, "/a/", nil); got != "/login/?to%20%26%20fro=/a/" {
		t.Errorf("another parameter: %s", got)
	}
}

// An absolute next is built only from a host that Django would take, too.
func TestAllowedHosts(t *testing.T) {
	hosts := []string{
		"example.com", "EXAMPLE.com", "example.com.", "example.com..", "example.com:8000", "example.com.:8000", "example.com:", "example.com:x", "example.com:80:80",
		"www.example.com", "a.b.example.com", "notexample.com", "example.com.evil.test", "evil.test", "evil.test:443", ".example.com", ".", "..", "*",
		"10.0.0.1", "10.0.0.1:80", "[::1]", "[::1]:8000", "[::FFFF]", "[::1", "[x::1]", "[1]", "user@example.com", "example.com@evil.test", "exa_mple.com", "example.com/x",
		"example.com,evil.test", "example.com evil.test", "ex\u00e4mple.com", "\u212aelvin.test", "kelvin.test",
	}
	lists := [][]string{
		{"example.com"}, {"EXAMPLE.COM"}, {".example.com"}, {"..example.com"}, {"example.com."}, {"example.com:8000"}, {"*"}, {""}, {"."}, {".com"}, {"*.example.com"},
		{"10.0.0.1", "[::1]", "kelvin.test"}, {"[::ffff]"}, {"no.test", ".Evil.test"},
	}
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, version, djangotest.SQLite(t), nil)
			s.auth.LoginURL, s.auth.UseXForwardedHost = "https://sso.example/login/", true
			s.django.Do(t, redirectInDjango, nil, nil)
			var want [][]string
			s.django.Do(t, `result = [[redirect("/a/", "https://sso.example/login/", headers={"HTTP_X_FORWARDED_HOST": host.encode().decode("latin-1")},
				USE_X_FORWARDED_HOST=True, ALLOWED_HOSTS=allowed) for host in args["hosts"]] for allowed in args["lists"]]`,
				map[string]any{"hosts": hosts, "lists": lists}, &want)
			for i, allowed := range lists {
				s.auth.AllowedHosts = allowed
				for j, host := range hosts {
					got := s.redirect(t, "/a/", func(r *http.Request) { r.Header.Set("X-Forwarded-Host", host) })
					if got != want[i][j] {
						t.Errorf("host %q, AllowedHosts %q:\n%s\nin Django\n%s", host, allowed, got, want[i][j])
					}
				}
			}
			if len(s.refusals) != 1 || !strings.Contains(s.refusals[0], "AllowedHosts") {
				t.Errorf("the Observer was told %q", s.refusals)
			}
		})
	}
}

// Without AllowedHosts no host is trusted, and none is needed where next is a path.
func TestNoAllowedHosts(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var failed error
	s.manager.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		failed = err
		w.WriteHeader(http.StatusInternalServerError)
	}
	evil := func(host string) (*httptest.ResponseRecorder, error) {
		failed = nil
		r := httptest.NewRequest("GET", "/a/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.manager.Handler(s.auth.RequireUser(http.NotFoundHandler())).ServeHTTP(w, r)
		return w, failed
	}
	for _, c := range []struct{ url, host, location string }{
		{"/login/", "evil.test", "/login/?next=/a/"},
		{"http://example.com/login/", "example.com", "http://example.com/login/?next=/a/"},
		{"//example.com/login/", "example.com", "//example.com/login/?next=/a/"},
		{"http://example.com/login/", "evil.test", ""},
		{"https://example.com/login/", "example.com", ""},
		{"//example.com/login/", "evil.test", ""},
	} {
		s.auth.LoginURL = c.url
		w, err := evil(c.host)
		if location := w.Header().Get("Location"); location != c.location || (location == "") != (err != nil && strings.Contains(err.Error(), "AllowedHosts") && w.Code == http.StatusInternalServerError) {
			t.Errorf("%s at %s: status %d, %s, %v", c.url, c.host, w.Code, location, err)
		}
	}
}

// redirect is where RequireUser sends an anonymous visitor's request line.
func (s *site) redirect(t *testing.T, target string, change func(r *http.Request)) string {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: example.com\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.manager.Handler(s.auth.RequireUser(http.NotFoundHandler())).ServeHTTP(w, r)
	switch {
	case w.Code == http.StatusBadRequest:
		return "400"
	case w.Code != http.StatusFound || w.Header().Get("Vary") != "Cookie":
		t.Errorf("%s: status %d, %v", target, w.Code, w.Header())
	}
	return w.Header().Get("Location")
}

// RequireUser lets those pass who are logged in, and answers what it does not know
// with the manager's ErrorHandler.
func TestRequireUser(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil)
	var key string
	s.django.Do(t, `make_user("zoe"); result = log_in("zoe")`, nil, &key)
	var failed error
	s.manager.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		failed = err
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	handler := s.manager.Handler(http.StripPrefix("/shop", s.auth.RequireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := s.auth.User(r)
		if err != nil {
			t.Error(err)
		}
		w.Write([]byte(user.Username))
	}))))
	ask := func(key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/shop/cart/?n=1", nil)
		r.Header.Set("Cookie", "sessionid="+key)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := ask(key); w.Code != http.StatusOK || w.Body.String() != "zoe" {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
	if w := ask(""); w.Code != http.StatusFound || w.Header().Get("Location") != "/accounts/login/?next=/shop/cart/%3Fn%3D1" || w.Body.Len() > 0 {
		t.Errorf("status %d, %v, %s", w.Code, w.Header(), w.Body)
	}

	// An error of Users makes nobody anonymous.
	before := s.row(t, key)
	s.django.Do(t, `
		from django.db import connection
		connection.cursor().execute("ALTER TABLE auth_user RENAME TO elsewhere")
	`, nil, nil)
	w := ask(key)
	if w.Code != http.StatusServiceUnavailable || failed == nil || errors.Is(failed, djauth.ErrNoUser) || strings.Contains(failed.Error(), key) {
		t.Errorf("status %d, %v", w.Code, failed)
	}
	if len(w.Header().Values("Set-Cookie")) > 0 || s.row(t, key) != before {
		t.Errorf("%v, or the row changed", w.Header())
	}
	s.django.Do(t, `connection.cursor().execute("ALTER TABLE elsewhere RENAME TO auth_user")`, nil, nil)
	if w := ask(key); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	failed = nil
	s.store.Close()
	if w := ask(key); w.Code != http.StatusServiceUnavailable || failed == nil || len(w.Header().Values("Set-Cookie")) > 0 {
		t.Errorf("status %d, %v", w.Code, failed)
	}

	w = httptest.NewRecorder()
	s.auth.RequireUser(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if _, err := s.auth.User(httptest.NewRequest("GET", "/", nil)); w.Code != http.StatusInternalServerError || !errors.Is(err, djsession.ErrNoManager) {
		t.Errorf("without a manager: status %d, %v", w.Code, err)
	}
}
