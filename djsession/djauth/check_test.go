package djauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

// Check finds what is wrong with the logins of a site, and looks at no more than it says.
func TestCheckLogins(t *testing.T) {
	setPassword := func(site *djsessiontest.Site, id string) {
		site.Users.Set(&djauth.User{ID: id, Username: id, Password: "md5$new", IsActive: true})
	}
	setHash := func(site *djsessiontest.Site, hash string) {
		site.Auth.SessionAuthHash = func(*djauth.User, string) (string, error) { return hash, nil }
	}
	for _, c := range []struct {
		name   string
		logins []string // the users, by ID
		change func(site *djsessiontest.Site)
		err    []string
		told   []string // each is in one event
	}{
		{name: "all is well", logins: []string{"1", "1", "2"}},
		{name: "no login", told: []string{"no live session names a user"}},
		{
			name: "a password was changed", logins: []string{"1", "2", "3"},
			change: func(site *djsessiontest.Site) { setPassword(site, "1") },
		},
		{
			name: "most passwords were changed", logins: []string{"1", "2", "3"},
			change: func(site *djsessiontest.Site) { setPassword(site, "1"); setPassword(site, "2") },
			told:   []string{"2 of 3 sessions"},
		},
		{
			name: "all passwords were changed", logins: []string{"1", "2"},
			change: func(site *djsessiontest.Site) { setPassword(site, "1"); setPassword(site, "2") },
			err:    []string{"every visitor would be anonymous", "2 of 2", "SECRET_KEY"},
		},
		{
			name: "other users", logins: []string{"1", "2"},
			change: func(site *djsessiontest.Site) { site.Users.Delete("1"); site.Users.Delete("2") },
			err:    []string{"2 of 2", "its user does not exist", "UserModel.Table"},
		},
		{
			name: "nobody is active", logins: []string{"1"},
			change: func(site *djsessiontest.Site) {
				site.Auth.UserCanAuthenticate = func(string, *djauth.User) bool { return false }
			},
			err: []string{"1 of 1", "UserModel.IsActive"},
		},
		{
			name: "the hash is shorter", logins: []string{"1"},
			change: func(site *djsessiontest.Site) { setHash(site, "0123456789") },
			err:    []string{"has 64 characters", "hash has 10", "get_session_auth_hash", "DJANGO_VERSION"},
		},
		{
			name: "a backend that is not listed", logins: []string{"1", "2", "2"},
			change: func(site *djsessiontest.Site) {
				site.Auth.AuthenticationBackends = []string{djauth.RemoteUserBackend, djauth.ModelBackend}
				loginBy(site, "1", djauth.RemoteUserBackend)
				site.Auth.AuthenticationBackends = []string{djauth.ModelBackend}
			},
			told: []string{"1 of 4 sessions that name a user are anonymous here", djauth.RemoteUserBackend},
		},
		{
			name: "two things are wrong", logins: []string{"1", "2"},
			change: func(site *djsessiontest.Site) { site.Users.Delete("1"); setPassword(site, "2") },
			err:    []string{"its user does not exist", "; ", "does not fit"},
		},
		{
			name: "a hook fails for one user", logins: []string{"1", "2", "3"},
			change: func(site *djsessiontest.Site) {
				site.Auth.UserCanAuthenticate = func(_ string, u *djauth.User) bool {
					if u.ID == "3" {
						panic("no such user")
					}
					return true
				}
			},
			told: []string{"1 of 3 sessions", "UserCanAuthenticate of user \"3\""},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var all []*djauth.User
			for _, id := range []string{"1", "2", "3"} {
				all = append(all, &djauth.User{ID: id, Username: id, Password: "md5$" + id})
			}
			site := djsessiontest.NewSite(nil, all...)
			for _, id := range c.logins {
				loginBy(site, id, "")
			}
			if c.change != nil {
				c.change(site)
			}
			before := stored(t, site)
			var told []string
			site.Manager.Observer = func(_ context.Context, e djsession.Event) {
				if e.Kind != djsession.EventCheck {
					t.Errorf("an event %s", e.Kind)
				}
				told = append(told, e.Err.Error())
			}
			err := site.Auth.Check(t.Context(), site.Manager)
			if stored(t, site) != before {
				t.Error("a session was changed")
			}
			if (err != nil) != (c.err != nil) || err != nil && strings.Contains(err.Error(), "md5$") {
				t.Fatalf("%v, want %q", err, c.err)
			}
			for _, part := range c.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: it does not say %q", err, part)
				}
			}
			text := strings.Join(told, "\n")
			if want := min(1, len(c.told)); len(told) != want {
				t.Errorf("told %q, want %d events", told, want)
			}
			for _, part := range c.told {
				if !strings.Contains(text, part) {
					t.Errorf("told %q, want %q", told, part)
				}
			}
		})
	}
}

// loginBy stores a session of a user.
func loginBy(site *djsessiontest.Site, id, backend string) {
	site.Manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		user, err := site.Users.User(r.Context(), id)
		if err == nil {
			err = site.Auth.Login(w, r, user, backend)
		}
		return err
	}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// countedUsers count the queries.
type countedUsers struct {
	djauth.Users
	queries int
	err     error
}

func (u *countedUsers) User(ctx context.Context, id string) (*djauth.User, error) {
	u.queries++
	if u.err != nil {
		return nil, u.err
	}
	return u.Users.User(ctx, id)
}

func TestCheckIsBounded(t *testing.T) {
	zoe := &djauth.User{ID: "1", Username: "zoe", Password: "md5$"}
	site := djsessiontest.NewSite(nil, zoe)
	for range 150 {
		loginBy(site, "1", "")
	}
	users := &countedUsers{Users: site.Users}
	auth, err := djauth.New(users)
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.Check(t.Context(), site.Manager); err != nil || users.queries != 100 {
		t.Errorf("%v after %d queries", err, users.queries)
	}
	// If the users do not answer, that is an error at once.
	*users = countedUsers{Users: site.Users, err: errors.New("connection refused")}
	if err := auth.Check(t.Context(), site.Manager); !errors.Is(err, users.err) || users.queries != 1 {
		t.Errorf("%v after %d queries", err, users.queries)
	}
	// Cookies are with the visitors.
	cookies, err := cookiestore.New(site.Store.Settings())
	if err != nil {
		t.Fatal(err)
	}
	manager, err := djsession.NewManager(cookies)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	manager.Observer = func(context.Context, djsession.Event) { told++ }
	if err := site.Auth.Check(t.Context(), manager); err != nil || told != 1 {
		t.Errorf("cookies: %v, %d events", err, told)
	}
}
