package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sessionuser"
	"github.com/djsess/djsess/internal/sitefile"
	"github.com/djsess/djsess/signing"
)

// usersConfig is where the site's users are, by the table [users] or by the site's settings file.
// There is no default: if a site has a user model of its own, the users in an auth_user left behind
// are others under the same numbers.
type usersConfig struct {
	namedBy    string // the file, and [users] in it
	table      string
	primaryKey djauth.PrimaryKey
	id         string
	username   string
	password   string
	isActive   string   // the name of a column, or djauth.NoColumn; only revoke --inactive reads it
	backends   []string // AUTHENTICATION_BACKENDS; nil: Django's default
	hash       authHash
	store      string // a database, by its URL or its name in [stores]; "": that of the sessions
}

// authHash is the get_session_auth_hash of the users' model.
type authHash struct {
	own                  djauth.SessionHash // without Columns: Django's
	isUnknown            bool               // the model's own, which nobody has described
	inheritsFallbackHash bool
	none                 bool
}

// primaryKeys are the types of primary keys by their names in djsess.toml.
var primaryKeys = map[string]djauth.PrimaryKey{"": djauth.Integer, "integer": djauth.Integer, "uuid": djauth.UUID, "text": djauth.Text}

// parseUsers returns nil if the file has no table [users].
func parseUsers(top *table) *usersConfig {
	t := top.sub("users")
	if t.values == nil {
		return nil
	}
	u := &usersConfig{namedBy: "[users] in " + top.file, table: t.text("table"), id: t.text("id"), username: t.text("username"), password: t.text("password"), store: t.text("store"),
		isActive: t.text("is_active"), backends: t.texts("backends")}
	own := &u.hash.own
	*own = djauth.SessionHash{Salt: t.text("hash_salt"), Columns: t.texts("hash_columns"), Algorithm: signing.Algorithm(t.text("hash_algorithm"))}
	switch {
	case (own.Salt == "") != (len(own.Columns) == 0):
		t.fail("hash_salt", "it goes with hash_columns: both describe a get_session_auth_hash of the site's own")
	case own.Algorithm != "" && own.Algorithm != signing.SHA1 && own.Algorithm != signing.SHA256:
		t.fail("hash_algorithm", `want "sha1", the default, or "sha256"`)
	}
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

// userFlags are the flags --user and --username.
type userFlags struct{ id, name *string }

func addUserFlags(cmd *cobra.Command) userFlags {
	return userFlags{
		cmd.Flags().String("user", "", "only those of the user of this `ID`"),
		cmd.Flags().String("username", "", "only those of the user of this `NAME`: see [users] in djsess.toml, or --settings"),
	}
}

// check returns an error if the flags are wrong. byID and byName say which one is given.
func (f userFlags) check(cmd *cobra.Command) (byID, byName bool, err error) {
	byID, byName = cmd.Flags().Changed("user"), cmd.Flags().Changed("username")
	switch {
	case byID && byName:
		err = usagef(cmd, "--user and --username: choose one")
	case byID && strings.TrimSpace(*f.id) == "":
		err = usagef(cmd, "--user: want a user's ID; it is empty")
	case byName && *f.name == "":
		err = usagef(cmd, "--username: want a user's name; it is empty")
	}
	return byID, byName, err
}

// whose are the sessions of a command.
type whose struct {
	of          func(context.Context, *djsession.Values) (bool, error)
	userID      string // if they are one user's, its primary key
	description string
}

// whose returns the user's sessions. One of the flags must be given.
func (f userFlags) whose(ctx context.Context, s *site) (*whose, error) {
	id := strings.TrimSpace(*f.id)
	theirs := hasUserID(id)
	if id == "" {
		user, primaryKey, err := s.userNamed(ctx, *f.name)
		if err != nil {
			return nil, err
		}
		id, theirs = user.ID, hasUser(user, primaryKey)
	}
	of := func(_ context.Context, v *djsession.Values) (bool, error) { return theirs(v), nil }
	return &whose{of: of, userID: id, description: "of this user"}, nil
}

// areTheirs returns a function that reports whether a session is the user's. It is nil if neither flag is given.
func (f userFlags) areTheirs(ctx context.Context, s *site) (func(*djsession.Values) bool, error) {
	switch {
	case *f.id != "":
		return hasUserID(strings.TrimSpace(*f.id)), nil
	case *f.name != "":
		user, primaryKey, err := s.userNamed(ctx, *f.name)
		if err != nil {
			return nil, err
		}
		return hasUser(user, primaryKey), nil
	}
	return nil, nil
}

// hasUserID returns a function that reports whether a user of this ID is logged in. Like Django it
// ignores spaces around the ID.
func hasUserID(id string) func(*djsession.Values) bool {
	return func(v *djsession.Values) bool {
		found, ok := sessionuser.ID(v)
		return ok && strings.TrimSpace(found) == id
	}
}

// hasUser returns a function that reports whether a user is logged in.
func hasUser(user *djauth.User, primaryKey djauth.PrimaryKey) func(*djsession.Values) bool {
	return func(v *djsession.Values) bool {
		found, ok := sessionuser.ID(v)
		if ok {
			found, ok = primaryKey.Convert(found)
		}
		return ok && found == user.ID
	}
}

// userNamed returns the user of a username, and the type of its primary key.
func (s *site) userNamed(ctx context.Context, username string) (*djauth.User, djauth.PrimaryKey, error) {
	u, err := s.config.usersOrSites("--username")
	if err != nil {
		return nil, 0, err
	}
	store, closeStore, err := s.usersStore("--username", u)
	if err != nil {
		return nil, 0, err
	}
	defer closeStore()
	users, err := djauth.UsersIn(store, u.model())
	if err != nil {
		return nil, 0, configf("%s: %w", u.namedBy, err)
	}
	user, err := users.UserByUsername(ctx, username)
	if err != nil {
		if errors.Is(err, djauth.ErrNoUser) {
			err = fmt.Errorf("--username: table %s: %w", cmp.Or(u.table, "auth_user"), djauth.ErrNoUser)
		} else {
			err = &hinted{fmt.Errorf("--username: %w", err), "check table, id, username and primary_key under " + u.namedBy}
		}
		return nil, 0, err
	}
	return user, users.PrimaryKey(), nil
}

// usersStore opens the database of the users. The caller calls closeStore.
func (s *site) usersStore(flag string, u *usersConfig) (store djsession.Store, closeStore func(), err error) {
	store, closeStore = s.Store, func() {}
	if u.store != "" {
		rawURL, err := s.config.partURL(u.store, u.namedBy+": store")
		if err != nil {
			return nil, nil, err
		}
		database, err := storeurl.OpenReadOnly(rawURL, s.settings, s.config.password(u.store, storeurl.WithPasswordFrom)...)
		if err != nil {
			return nil, nil, openError(err, u.namedBy)
		}
		store, closeStore = database, func() { database.Close() }
	}
	if _, ok := store.(djsession.SQLStore); !ok {
		closeStore()
		return nil, nil, configf("%s: %s has no users: name the users' database by store under [users] in %s", flag, store, cmp.Or(s.config.file, configName))
	}
	return store, closeStore, nil
}

// usersOrSites returns [users], or what the site's settings file says of the users. flag is what needs them, for
// errors.
func (c *config) usersOrSites(flag string) (*usersConfig, error) {
	switch {
	case c.users != nil:
		return c.users, nil
	case c.settingsFile == "":
		return nil, configf("%s: want a table [users] in %s that says where the site's users are: table = \"auth_user\" if they are Django's own; "+
			"for another model also id, username, and primary_key = \"uuid\" or \"text\"", flag, configName)
	}
	file, users := c.site, c.site.Users
	if users == nil {
		return nil, configf(`%s: %s does not describe the users ("left_out" says why): describe them by a table [users] in %s`, flag, c.settingsFile, configName)
	}
	u := &usersConfig{namedBy: "users in " + c.settingsFile, table: users.Table, primaryKey: primaryKeys[users.IDType], id: users.ID, username: users.Username, password: users.Password,
		isActive: cmp.Or(users.IsActive, djauth.NoColumn), backends: file.Site.AuthenticationBackends,
		hash: authHash{isUnknown: users.AuthHash == sitefile.OwnHash, inheritsFallbackHash: users.InheritsFallbackHash, none: users.AuthHash == sitefile.NoHash}}
	if !sharesDatabase(file) {
		u.store = siteUsers
	}
	return u, nil
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
