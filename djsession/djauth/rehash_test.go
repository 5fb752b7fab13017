package djauth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/signing"
)

// Many users are read in few queries, and are those that are read one by one.
func TestUsersByID(t *testing.T) {
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, djangotest.Newest, kind.New(t), nil)
			var ids []string
			s.django.Do(t, `
				User.objects.bulk_create(User(username="user%d" % i, password="hash%d" % i) for i in range(230))
				result = [str(user.pk) for user in User.objects.all()]
			`, nil, &ids)
			users, err := djauth.UsersIn(s.store, djauth.UserModel{Extra: []string{"email"}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := users.UsersByID(t.Context(), append(slices.Clone(ids), "999999", "9223372036854775807"))
			if err != nil || len(got) != len(ids) {
				t.Fatalf("%d users, want %d: %v", len(got), len(ids), err)
			}
			for _, id := range []string{ids[0], ids[100], ids[229]} {
				want, err := users.User(t.Context(), id)
				if err != nil || got[id] == nil || got[id].Username != want.Username || got[id].Password != want.Password {
					t.Errorf("user %s: %v, want %v (%v)", id, got[id], want, err)
				}
			}
			if got, err = users.UsersByID(t.Context(), nil); err != nil || len(got) != 0 {
				t.Errorf("of nobody: %v, %v", got, err)
			}
			// By a key that is text, the database decides what is equal.
			byName, err := djauth.UsersIn(s.store, djauth.UserModel{ID: "username", PrimaryKey: djauth.Text})
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range []string{"user7", "USER7", "nobody"} {
				want, wantErr := byName.User(t.Context(), id)
				got, err := byName.UsersByID(t.Context(), []string{id})
				if err != nil || (wantErr == nil) != (got[id] != nil) || wantErr == nil && got[id].Username != want.Username {
					t.Errorf("%s: %v, %v, want %v, %v", id, got[id], err, want, wantErr)
				}
			}
		})
	}
}

// fewUsers are users in memory, one query each.
type fewUsers map[string]*djauth.User

func (fewUsers) PrimaryKey() djauth.PrimaryKey                         { return djauth.Integer }
func (fewUsers) SetLastLogin(context.Context, string, time.Time) error { return nil }

func (u fewUsers) User(_ context.Context, id string) (*djauth.User, error) {
	if user, ok := u[id]; ok {
		return user, nil
	}
	return nil, djauth.ErrNoUser
}

// A hash is made again if and only if the stored one verifies, by the site's own rule if it has one.
func TestRehash(t *testing.T) {
	settings := func(version, key string, fallbacks ...string) *djsession.Settings {
		s, err := djsession.NewSettings(version, key)
		if err != nil {
			t.Fatal(err)
		}
		s.SecretKeyFallbacks = fallbacks
		return s
	}
	alice := &djauth.User{ID: "1", Password: "secret$hash"}
	hash := func(key string, algorithm signing.Algorithm) string {
		h := djauth.SessionHash{Salt: "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash", Columns: []string{"password"}, Algorithm: algorithm}
		text, err := h.Hash(alice, key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	own := func(a *djauth.Auth) {
		a.SessionAuthHash = func(user *djauth.User, secret string) (string, error) { return "own " + user.ID + " " + secret, nil }
	}
	sha1 := settings("3.2", "k")
	sha1.DefaultHashingAlgorithm = signing.SHA1
	both := settings("5.2", "k", "old", "older")
	for _, tt := range []struct {
		name        string
		to, earlier *djsession.Settings
		id, hash    string
		auth        func(*djauth.Auth)
		want        string // "": it stays
		verified    bool
		key         int
		refused     bool
	}{
		{name: "current", to: both, hash: hash("k", signing.SHA256), verified: true},
		{name: "first fallback", to: both, hash: hash("old", signing.SHA256), want: hash("k", signing.SHA256), verified: true, key: 1},
		{name: "second fallback", to: both, hash: hash("older", signing.SHA256), want: hash("k", signing.SHA256), verified: true, key: 2},
		{name: "unknown key", to: both, hash: hash("other", signing.SHA256), refused: true},
		{name: "SHA-1 in 3.2", to: settings("3.2", "k"), hash: hash("k", signing.SHA1), want: hash("k", signing.SHA256), verified: true},
		{name: "SHA-1 in 5.2", to: both, hash: hash("k", signing.SHA1), refused: true},
		{name: "SHA-1 from 2.2 in 5.2", to: both, earlier: settings("2.2", "k"), hash: hash("k", signing.SHA1), want: hash("k", signing.SHA256), verified: true},
		{name: "SHA-256 back to 2.2", to: settings("2.2", "k"), earlier: settings("5.2", "k"), hash: hash("k", signing.SHA256), want: hash("k", signing.SHA1), verified: true},
		{name: "SHA-256 back to 3.2 with sha1", to: sha1, earlier: settings("3.2", "k"), hash: hash("k", signing.SHA256), want: hash("k", signing.SHA1), verified: true},
		{name: "no hash", to: both, refused: true},
		{name: "no user", to: both, id: "2", hash: hash("old", signing.SHA256), refused: true},
		{name: "odd user", to: both, id: "x", hash: hash("old", signing.SHA256), refused: true},
		{name: "own", to: both, auth: own, hash: "own 1 older", want: "own 1 k", verified: true, key: 2},
		{name: "own, and Django's", to: both, auth: own, hash: hash("k", signing.SHA256), refused: true},
		{name: "own, with Django's fallbacks", to: both, auth: func(a *djauth.Auth) { own(a); a.InheritsFallbackHash = true }, hash: "own 1 old", refused: true},
		{name: "no hashes at all", to: both, auth: func(a *djauth.Auth) { a.NoSessionAuthHash = true }, hash: hash("old", signing.SHA256)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			auth, err := djauth.New(fewUsers{"1": alice})
			if err != nil {
				t.Fatal(err)
			}
			if tt.auth != nil {
				tt.auth(auth)
			}
			if tt.id == "" {
				tt.id = "1"
			}
			v, anonymous := new(djsession.Values), new(djsession.Values)
			if err := errors.Join(v.Set("_auth_user_id", tt.id), v.Set("_auth_user_hash", tt.hash), v.Set("cart", 1), anonymous.Set("cart", 2)); err != nil {
				t.Fatal(err)
			}
			got, err := auth.Rehash(t.Context(), []*djsession.Values{nil, anonymous, v}, tt.to, tt.earlier)
			if err != nil || len(got) != 3 || got[0] != (djauth.Rehashed{}) || got[1] != (djauth.Rehashed{}) {
				t.Fatalf("%v, %v", got, err)
			}
			r, text := got[2], ""
			if r.Values != nil {
				text = string(r.Values.AppendShown(nil))
			}
			want := ""
			if tt.want != "" {
				want = fmt.Sprintf(`{"_auth_user_id":%q,"_auth_user_hash":%q,"cart":1}`, tt.id, tt.want)
			}
			if text != want || r.Verified != tt.verified || r.Key != tt.key || (r.Refused != nil) != tt.refused {
				t.Errorf("%s, %v; want %s", text, r, want)
			}
			if v.GetString("_auth_user_hash") != tt.hash {
				t.Error("the values of the caller were changed")
			}
		})
	}
	auth, _ := djauth.New(fewUsers{"1": alice})
	failure := errors.New("the hook fails")
	auth.SessionAuthHash = func(*djauth.User, string) (string, error) { return "", failure }
	v := new(djsession.Values)
	if err := errors.Join(v.Set("_auth_user_id", "1"), v.Set("_auth_user_hash", "h")); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.Rehash(t.Context(), []*djsession.Values{v}, both, nil); !errors.Is(err, failure) {
		t.Errorf("with a hook that fails: %v", err)
	}
}
