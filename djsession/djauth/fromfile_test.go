package djauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/sitefile"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// writeFile writes a settings file and returns its path.
func writeFile(t *testing.T, file sitefile.File) string {
	t.Helper()
	file.Format, file.Django = sitefile.Format, "5.2.8"
	data, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "djsess-settings.json")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every setting of Auth comes from the file.
func TestFromFileHasAllSettings(t *testing.T) {
	users := sitefile.Users{Model: "auth.User", Table: "auth_user", ID: "id", IDType: sitefile.IntegerID, Username: "username", Password: "password",
		IsActive: "is_active", LastLogin: "last_login", AuthHash: sitefile.DjangoHash}
	path := writeFile(t, sitefile.File{Users: &users, Site: sitefile.Settings{
		AuthenticationBackends: []string{"a.B"}, LoginURL: "/in/", AllowedHosts: []string{"h"}, SecureProxySSLHeader: []string{"HTTP_X_FORWARDED_PROTO", "https"}, UseXForwardedHost: true,
		CSRFUseSessions: true, CSRFCookieName: "c", CSRFCookieAge: 60, CSRFCookieDomain: ".d", CSRFCookiePath: "/p", CSRFCookieSecure: true, CSRFCookieHTTPOnly: true, CSRFCookieSameSite: "Strict",
	}})
	s := newSite(t, djangotest.Djangos()[0], djangotest.SQLite(t), nil)
	got, err := djauth.FromFile(path, s.store)
	if err != nil {
		t.Fatal(err)
	}
	table, err := djauth.UsersIn(s.store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := djauth.New(table)
	if err != nil {
		t.Fatal(err)
	}
	want.AuthenticationBackends, want.LoginURL, want.AllowedHosts = []string{"a.B"}, "/in/", []string{"h"}
	want.SecureProxySSLHeader, want.UseXForwardedHost, want.CSRFUseSessions = [2]string{"X-FORWARDED-PROTO", "https"}, true, true
	want.CSRFCookieName, want.CSRFCookieAge, want.CSRFCookieDomain, want.CSRFCookiePath = "c", time.Minute, ".d", "/p"
	want.CSRFCookieSecure, want.CSRFCookieHTTPOnly, want.CSRFCookieSameSite = true, true, "Strict"
	got.UserCanAuthenticate, want.UserCanAuthenticate = nil, nil // funcs cannot be compared
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}

	// Without a description of the users there is no Auth.
	if _, err := djauth.FromFile(writeFile(t, sitefile.File{}), s.store); err == nil || !strings.Contains(err.Error(), "does not describe the users' table") {
		t.Error(err)
	}
}

// A user model has a hash of its own. Until the program sets it, a visitor who is logged in is an
// error and not anonymous.
func TestFromFileOfAnotherHash(t *testing.T) {
	s := newSite(t, djangotest.Djangos()[0], djangotest.SQLite(t), nil)
	var key string
	s.django.Do(t, `
		make_user("zoe", email="zoe@example.com")
		User.get_session_auth_hash = User._get_session_auth_hash = lambda self, *_, **__: "of its own"
		User.get_session_auth_fallback_hash = lambda self: iter(())
		result = log_in("zoe")`, nil, &key)
	path := writeFile(t, sitefile.File{
		Site: sitefile.Settings{AuthenticationBackends: []string{djauth.ModelBackend}, LoginURL: "/", CSRFCookieName: "csrftoken"},
		Users: &sitefile.Users{Model: "shop.User", Table: "auth_user", ID: "id", IDType: sitefile.IntegerID, Username: "username", Password: "password",
			IsActive: "is_active", LastLogin: "last_login", AuthHash: sitefile.OwnHash},
	})
	auth, err := djauth.FromFile(path, s.store, "email")
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (user *djauth.User, err error) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "sessionid="+key)
		s.manager.WithSession(func(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
			user, err = auth.User(r)
			return nil
		}).ServeHTTP(httptest.NewRecorder(), r)
		return user, err
	}
	if user, err := ask(); user != nil || err == nil || !strings.Contains(err.Error(), "shop.User has a get_session_auth_hash of its own: set Auth.SessionAuthHash") {
		t.Errorf("%v, %v", user, err)
	}
	auth.SessionAuthHash = func(u *djauth.User, _ string) (string, error) {
		if email, err := djauth.Column[string](u, "email"); err != nil || email != "zoe@example.com" {
			return "", errors.New("the email is missing")
		}
		return "of its own", nil
	}
	if user, err := ask(); err != nil || user == nil || user.Username != "zoe" {
		t.Errorf("%v, %v", user, err)
	}
}
