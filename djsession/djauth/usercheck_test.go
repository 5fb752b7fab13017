package djauth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A model that is not the site's is an error with a remedy, of Check and of every query.
func TestWrongModel(t *testing.T) {
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, djangotest.Versions[len(djangotest.Versions)-1], kind.New(t), nil)
			s.django.Do(t, `make_user("zoe")`, nil, nil)
			for _, m := range models[:2] {
				s.newModel(t, strings.Replace(m.body, "USERNAME_FIELD", `
			class Meta:
				app_label = "auth"
				db_table = "`+m.name+`_member"
			USERNAME_FIELD`, 1))
				s.django.Do(t, `make_user("zoe")`, nil, nil)
			}
			for _, c := range []struct {
				name  string
				model djauth.UserModel
				says  []string // "" when it is right
			}{
				{"right", djauth.UserModel{Extra: []string{"email"}}, nil},
				{"right, with UUIDs", djauth.UserModel{Table: "uuid_member", PrimaryKey: djauth.UUID}, nil},
				{"right, with texts", djauth.UserModel{Table: "text_member", PrimaryKey: djauth.Text, ID: "name", Username: "name"}, nil},
				{"table", djauth.UserModel{Table: "members"}, []string{"UserModel.Table"}},
				{"id", djauth.UserModel{ID: "no"}, []string{"UserModel.ID", `no column "no"`}},
				{"username", djauth.UserModel{Username: "login"}, []string{"UserModel.Username", `no column "login"`}},
				{"password", djauth.UserModel{Password: "hash"}, []string{"UserModel.Password", `no column "hash"`}},
				{"is_active", djauth.UserModel{IsActive: "active"}, []string{"UserModel.IsActive", "djauth.NoColumn", `no column "active"`}},
				{"last_login", djauth.UserModel{LastLogin: "seen at"}, []string{"UserModel.LastLogin", "djauth.NoColumn", `no column "seen at"`}},
				{"extra", djauth.UserModel{Extra: []string{"email", "nick"}}, []string{"UserModel.Extra", `no column "nick"`}},
				{"no boolean", djauth.UserModel{IsActive: "password"}, []string{"UserModel.IsActive", `column "password"`}},
			} {
				users, err := djauth.UsersIn(s.store, c.model)
				if err != nil {
					t.Fatal(err)
				}
				_, found := users.User(t.Context(), s.zoe(t).ID)
				if c.says == nil {
					found = nil // there may be no user of this ID
				}
				for what, err := range map[string]error{"check": users.Check(t.Context()), "query": found} {
					if (err == nil) != (c.says == nil) || errors.Is(err, djauth.ErrNoUser) || err != nil && strings.Contains(err.Error(), "pbkdf2") {
						t.Errorf("%s: %s: %v", c.name, what, err)
					}
					for _, part := range c.says {
						if err != nil && !strings.Contains(err.Error(), part) {
							t.Errorf("%s: %s: %v: it does not say %q", c.name, what, err, part)
						}
					}
				}
				if c.name == "table" && !errors.Is(users.Check(t.Context()), dbstore.ErrNoTable) {
					t.Error("it is no ErrNoTable")
				}
			}
			users, err := djauth.UsersIn(s.store, djauth.UserModel{LastLogin: "seen"})
			if err != nil {
				t.Fatal(err)
			}
			if err := users.SetLastLogin(t.Context(), "1", s.settings.Now()); err == nil || !strings.Contains(err.Error(), "UserModel.LastLogin") {
				t.Errorf("set last_login: %v", err)
			}
			for _, c := range []struct {
				table, id string
				given     djauth.PrimaryKey
				says      string
			}{
				{"auth_user", "id", djauth.UUID, "Integer"},
				{"auth_user", "id", djauth.Text, "Integer"},
				{"uuid_member", "id", djauth.Integer, "PrimaryKey"},
				{"text_member", "name", djauth.Integer, "Text"},
				{"text_member", "name", djauth.UUID, "PrimaryKey"},
			} {
				model := djauth.UserModel{Table: c.table, ID: c.id, PrimaryKey: c.given}
				if c.table == "text_member" {
					model.Username = "name"
				}
				users, err := djauth.UsersIn(s.store, model)
				if err != nil {
					t.Fatal(err)
				}
				if err := users.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "UserModel.PrimaryKey") || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s as %v: %v", c.table, c.given, err)
				}
			}
		})
	}
}
