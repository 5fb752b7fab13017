package main

import (
	"context"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/sessionuser"
)

// usernames finds the names of the users of sessions.
type usernames struct {
	users      *djauth.SQLUsers
	primaryKey djauth.PrimaryKey
	close      func()
}

// usernames returns the names of the site's users. flag is what needs them, for errors.
func (s *site) usernames(flag string) (*usernames, error) {
	u, err := s.config.usersOrSites(flag)
	if err != nil {
		return nil, err
	}
	store, closeStore, err := s.usersStore(flag, u)
	if err != nil {
		return nil, err
	}
	users, err := djauth.UsersIn(store, u.model())
	if err != nil {
		closeStore()
		return nil, configf("%s: %w", u.namedBy, err)
	}
	return &usernames{users, users.PrimaryKey(), closeStore}, nil
}

// hasUsersBeside reports whether it is known where the users are, and that they are in the database of the
// sessions: then their names cost no other connection.
func (s *site) hasUsersBeside() bool {
	if s.config.users == nil && s.config.settingsFile == "" {
		return false
	}
	u, err := s.config.usersOrSites("")
	_, isSQL := s.Store.(djsession.SQLStore)
	return err == nil && u.store == "" && isSQL
}

// of returns the usernames of sessions by the user IDs in them, with one query for a hundred users. One
// of a user who does not exist is missing.
func (n *usernames) of(ctx context.Context, sessions []*djsession.Record) (map[string]string, error) {
	keys := map[string]string{} // user IDs as the sessions have them, and as primary keys
	asked := map[string]bool{}
	var all []string
	for _, r := range sessions {
		id, ok := sessionuser.ID(r.Values)
		if !ok {
			continue
		}
		key, ok := n.primaryKey.Convert(id)
		if !ok {
			continue
		}
		keys[id] = key
		if !asked[key] {
			asked[key] = true
			all = append(all, key)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	users, err := n.users.UsersByID(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("usernames: %w", err)
	}
	names := map[string]string{}
	for id, key := range keys {
		if user := users[key]; user != nil {
			names[id] = user.Username
		}
	}
	return names, nil
}
