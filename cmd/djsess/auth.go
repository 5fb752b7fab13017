package main

import (
	"github.com/spf13/cobra"

	"github.com/djsess/djsess/djsession/djauth"
)

// leaveHashesFlag adds --leave-hashes to a command that makes session auth hashes again.
func leaveHashesFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("leave-hashes", false, "leave the logins' hashes as they are, so that no users are needed")
}

// auth returns djauth over the users of the site, for their session auth hashes. The caller calls closeUsers.
func (a *app) auth(s *site) (auth *djauth.Auth, closeUsers func(), err error) {
	if a.noSecretKey { // a cache needs none, but a hash is made with it
		return nil, nil, &configError{errNoSecretKey}
	}
	const needed = "the hash of a login (or use --leave-hashes)"
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
	auth.NoSessionAuthHash, auth.InheritsFallbackHash = u.hash.none, u.hash.inheritsFallbackHash
	if len(u.hash.own.Columns) > 0 {
		auth.SessionAuthHash = u.hash.own.Hash
	}
	return auth, closeUsers, nil
}
