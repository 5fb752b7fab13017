package djauth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

// FindInactive finds users who are deleted or deactivated, and finds nobody if the logins do not
// show that the users are the site's.
func TestFindInactive(t *testing.T) {
	newSite := func(logins ...string) *djsessiontest.Site {
		var all []*djauth.User
		for _, id := range []string{"1", "2", "3", "4"} {
			all = append(all, &djauth.User{ID: id, Username: id, Password: "md5$" + id, IsActive: true})
		}
		site := djsessiontest.NewSite(nil, all...)
		for _, id := range logins {
			loginBy(site, id, "")
		}
		return site
	}
	deactivate := func(site *djsessiontest.Site, id string) {
		site.Users.Set(&djauth.User{ID: id, Username: id, Password: "md5$" + id})
	}
	session := func(id, backend string) *djsession.Values {
		v := new(djsession.Values)
		for name, value := range map[string]string{"_auth_user_id": id, "_auth_user_backend": backend} {
			if err := v.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		return v
	}

	site := newSite("1", "2", "3", "4")
	site.Users.Delete("2")
	deactivate(site, "3")
	site.Auth.AuthenticationBackends = append(site.Auth.AuthenticationBackends, djauth.AllowAllUsersModelBackend)
	inactive, err := site.Auth.FindInactive(t.Context(), site.Manager.Store())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		of   *djsession.Values
		want bool
	}{
		{"an active user", session("1", djauth.ModelBackend), false},
		{"a deleted user", session("2", djauth.ModelBackend), true},
		{"a deleted user, again", session("2", djauth.ModelBackend), true},
		{"a deactivated user", session("3", djauth.ModelBackend), true},
		{"a deactivated user who may log in", session("3", djauth.AllowAllUsersModelBackend), false},
		{"a backend that is not listed", session("2", djauth.RemoteUserBackend), false},
		{"a visitor who is not logged in", new(djsession.Values), false},
	} {
		if got, err := inactive(t.Context(), c.of); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}

	for what, change := range map[string]func(site *djsessiontest.Site){
		"most users are deleted": func(site *djsessiontest.Site) { site.Users.Delete("1"); site.Users.Delete("2"); site.Users.Delete("3") },
		"all passwords differ":   func(site *djsessiontest.Site) { setPasswords(site, "1", "2", "3", "4") },
		"no hash is checked":     func(site *djsessiontest.Site) { site.Auth.NoSessionAuthHash = true },
		"another backend":        func(site *djsessiontest.Site) { site.Auth.AuthenticationBackends = []string{djauth.RemoteUserBackend} },
		"hashes of the site's own": func(site *djsessiontest.Site) {
			site.Auth.SessionAuthHash = func(*djauth.User, string) (string, error) { return "", errors.New("unknown") }
		},
	} {
		site := newSite("1", "2", "3", "4")
		change(site)
		if _, err := site.Auth.FindInactive(context.Background(), site.Manager.Store()); !errors.Is(err, djauth.ErrOtherUsers) {
			t.Errorf("%s: %v", what, err)
		}
	}
	nobody := newSite()
	if _, err := nobody.Auth.FindInactive(t.Context(), nobody.Manager.Store()); !errors.Is(err, djauth.ErrOtherUsers) {
		t.Errorf("nobody is logged in: %v", err)
	}
}

func setPasswords(site *djsessiontest.Site, ids ...string) {
	for _, id := range ids {
		site.Users.Set(&djauth.User{ID: id, Username: id, Password: "md5$new", IsActive: true})
	}
}
