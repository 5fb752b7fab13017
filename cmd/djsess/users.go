package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
)

// usersConfig is the table [users]: where the site's users are. There is no default: if a site has a
// user model of its own, the users in an auth_user left behind are others under the same numbers.
type usersConfig struct {
	table      string
	primaryKey djauth.PrimaryKey
	id         string
	username   string
	store      string // a database, by its URL or its name in [stores]; "": that of the sessions
}

// primaryKeys are the types of primary keys by their names in djsess.toml.
var primaryKeys = map[string]djauth.PrimaryKey{"": djauth.Integer, "integer": djauth.Integer, "uuid": djauth.UUID, "text": djauth.Text}

// parseUsers returns nil if the file has no table [users].
func parseUsers(top *table) *usersConfig {
	t := top.sub("users")
	if t.values == nil {
		return nil
	}
	u := &usersConfig{table: t.text("table"), id: t.text("id"), username: t.text("username"), store: t.text("store")}
	var ok bool
	if u.primaryKey, ok = primaryKeys[t.text("primary_key")]; !ok {
		t.fail("primary_key", `want "integer", "uuid" or "text"`)
	}
	if u.table == "" {
		t.fail("table", `it is missing: Django's own users are in "auth_user"`)
	}
	t.refuseUnknown()
	return u
}

// hasUserID returns a function that reports whether a user of this ID is logged in. Like Django it
// ignores spaces around the ID.
func hasUserID(id string) func(*djsession.Values) bool {
	return func(v *djsession.Values) bool {
		found, ok := userID(v)
		return ok && strings.TrimSpace(found) == id
	}
}

// hasUsername returns a function that reports whether the user of this name is logged in.
func (s *site) hasUsername(ctx context.Context, username string) (func(*djsession.Values) bool, error) {
	user, primaryKey, err := s.userNamed(ctx, username)
	if err != nil {
		return nil, err
	}
	return func(v *djsession.Values) bool {
		found, ok := userID(v)
		if ok {
			found, ok = primaryKey.Convert(found)
		}
		return ok && found == user.ID
	}, nil
}

// userNamed returns the user of a username, and the type of its primary key.
func (s *site) userNamed(ctx context.Context, username string) (*djauth.User, djauth.PrimaryKey, error) {
	u := s.config.users
	if u == nil {
		return nil, 0, configf("--username: want a table [users] in %s that says where the site's users are: table = \"auth_user\" if they are Django's own; "+
			"for another model also id, username, and primary_key = \"uuid\" or \"text\"", configName)
	}
	store := s.Store
	if u.store != "" {
		rawURL, err := s.config.partURL(u.store, s.config.file+": users.store")
		if err != nil {
			return nil, 0, err
		}
		database, err := storeurl.OpenReadOnly(rawURL, s.settings)
		if err != nil {
			return nil, 0, openError(err, s.config.file+": users.store")
		}
		defer database.Close()
		store = database
	}
	if _, ok := store.(djsession.SQLStore); !ok {
		return nil, 0, configf("--username: %s has no users: name the users' database by store under [users] in %s", store, s.config.file)
	}
	users, err := djauth.UsersIn(store, u.model())
	if err != nil {
		return nil, 0, configf("%s: users: %w", s.config.file, err)
	}
	user, err := users.UserByUsername(ctx, username)
	if err != nil {
		err = fmt.Errorf("--username: %w", err)
		if !errors.Is(err, djauth.ErrNoUser) {
			err = &hinted{err, "check table, id, username and primary_key under [users] in " + s.config.file}
		}
		return nil, 0, err
	}
	return user, users.PrimaryKey(), nil
}

// model returns a model that reads no column but two: nobody needs the password here.
func (u *usersConfig) model() djauth.UserModel {
	m := djauth.UserModel{Table: u.table, PrimaryKey: u.primaryKey, ID: u.id, Username: u.username, IsActive: djauth.NoColumn, LastLogin: djauth.NoColumn}
	if m.Username == "" {
		m.Username = "username"
	}
	m.Password = m.Username
	return m
}
