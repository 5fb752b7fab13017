package main

import (
	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/djauth"
)

// hashesFlag is --leave-hashes, of a command that makes session auth hashes again.
type hashesFlag struct{ leave *bool }

func addHashesFlag(cmd *cobra.Command) hashesFlag {
	return hashesFlag{cmd.Flags().Bool("leave-hashes", false, "leave the logins' hashes as they are, so that no users are needed")}
}

// auth returns djauth for the hashes, or nil with --leave-hashes. The caller calls closeUsers.
func (f hashesFlag) auth(a *app, s *site) (auth *djauth.Auth, closeUsers func(), err error) {
	if *f.leave {
		return nil, func() {}, nil
	}
	return a.auth(s, "the hash of a login (or use --leave-hashes)", false)
}

// auth returns djauth over the users of the site, for their session auth hashes. The column is_active is
// read if active is true. needed is what needs the users, for errors. The caller calls closeUsers.
func (a *app) auth(s *site, needed string, active bool) (auth *djauth.Auth, closeUsers func(), err error) {
	if a.noSecretKey { // a cache needs none, but a hash is made with it
		return nil, nil, &configError{errNoSecretKey}
	}
	u, err := s.config.usersOrSites(needed)
	if err != nil {
		return nil, nil, err
	}
	if u.hash.isUnknown {
		return nil, nil, configf("%s: the model has a get_session_auth_hash of its own: describe it by hash_salt and hash_columns in a table [users] in %s", u.namedBy, configName)
	}
	store, closeUsers, err := s.usersStore(needed, u)
	if err != nil {
		return nil, nil, err
	}
	model := djauth.UserModel{Table: u.table, PrimaryKey: u.primaryKey, ID: u.id, Username: u.username, Password: u.password,
		IsActive: djauth.NoColumn, LastLogin: djauth.NoColumn}
	if active {
		model.IsActive = u.isActive
	}
	for _, column := range u.hash.own.Columns {
		if column != "password" {
			model.Extra = append(model.Extra, column)
		}
	}
	users, err := djauth.UsersIn(store, model)
	if err != nil {
		closeUsers()
		return nil, nil, configf("%s: %w", u.namedBy, err)
	}
	if auth, err = djauth.New(users); err != nil {
		closeUsers()
		return nil, nil, err
	}
	if u.backends != nil {
		auth.AuthenticationBackends = u.backends
	}
	auth.NoSessionAuthHash, auth.InheritsFallbackHash = u.hash.none, u.hash.inheritsFallbackHash
	if len(u.hash.own.Columns) > 0 {
		auth.SessionAuthHash = u.hash.own.Hash
	}
	return auth, closeUsers, nil
}
