package djauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

// A hook that fails or panics is an error that names the hook, shows no password, and changes
// nothing.
func TestHookFails(t *testing.T) {
	const password = "pbkdf2_sha256$hidden"
	fails := errors.New("no such token")
	for _, c := range []struct {
		name string
		set  func(a *djauth.Auth)
		says []string
		is   error
		// login: Login fails, too.
		login bool
	}{
		{"the hash fails", func(a *djauth.Auth) {
			a.SessionAuthHash = func(*djauth.User, string) (string, error) { return "", fails }
		}, []string{"SessionAuthHash of user \"1\""}, fails, true},
		{"the hash is empty", func(a *djauth.Auth) {
			a.SessionAuthHash = func(*djauth.User, string) (string, error) { return "", nil }
		}, []string{"SessionAuthHash", "empty"}, nil, true},
		{"the hash panics", func(a *djauth.Auth) {
			a.SessionAuthHash = func(u *djauth.User, secret string) (string, error) { panic(u.Password + secret) }
		}, []string{"SessionAuthHash", "panicked at hooks_test.go:", "a value of type string"}, nil, true},
		{"the hash has a mistake", func(a *djauth.Auth) {
			a.SessionAuthHash = func(u *djauth.User, secret string) (string, error) {
				return u.Extra["token"].(string), nil
			}
		}, []string{"SessionAuthHash", "panicked at hooks_test.go:", "interface conversion"}, nil, true},
		{"the column is missing", func(a *djauth.Auth) {
			a.SessionAuthHash = djauth.SessionHash{Salt: "s", Columns: []string{"password", "token"}}.Hash
		}, []string{"SessionAuthHash", `column "token"`, "UserModel.Extra"}, nil, true},
		{"the user's right panics", func(a *djauth.Auth) {
			a.UserCanAuthenticate = func(_ string, u *djauth.User) bool {
				return strings.Split(u.Username, "@")[1] == "example.com"
			}
		}, []string{"UserCanAuthenticate", "panicked at hooks_test.go:", "index out of range"}, nil, false},
		{"two fields contradict each other", func(a *djauth.Auth) {
			a.NoSessionAuthHash = true
			a.SessionAuthHash = djauth.SessionHash{}.Hash
		}, []string{"NoSessionAuthHash"}, nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			zoe := &djauth.User{ID: "1", Username: "zoe", Password: password}
			site := djsessiontest.NewSite(nil, zoe)
			r := httptest.NewRequest("GET", "/", nil)
			site.Login(r, zoe)
			logged, err := site.Users.User(t.Context(), "1")
			if err != nil {
				t.Fatal(err)
			}
			before := stored(t, site)
			c.set(site.Auth)

			check := func(what string, err error) {
				t.Helper()
				if err == nil || c.is != nil && !errors.Is(err, c.is) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), site.Store.Settings().SecretKey) {
					t.Errorf("%s: %v", what, err)
					return
				}
				for _, part := range c.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%s: %v: it does not say %q", what, err, part)
					}
				}
			}
			w := httptest.NewRecorder()
			site.Manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
				user, err := site.Auth.User(r)
				if user != nil {
					t.Errorf("User: %v", user)
				}
				check("User", err)
				if c.login {
					check("Login", site.Auth.Login(w, r, logged, ""))
				}
				return err
			}).ServeHTTP(w, r)
			if w.Code != http.StatusInternalServerError || len(w.Header().Values("Set-Cookie")) > 0 || stored(t, site) != before {
				t.Errorf("status %d, %v, or the session was changed", w.Code, w.Header())
			}
			if now, err := site.Users.User(t.Context(), "1"); err != nil || now.LastLogin != logged.LastLogin {
				t.Errorf("last_login was set, or %v", err)
			}
			check("Check", site.Auth.Check(t.Context(), site.Manager))
		})
	}
}

// stored is all that a store in memory has.
func stored(t *testing.T, site *djsessiontest.Site) string {
	t.Helper()
	var all strings.Builder
	for r, err := range site.Store.Scan(t.Context(), djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Values.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(r.Key + r.Expires.String() + string(text) + "\n")
	}
	return all.String()
}
