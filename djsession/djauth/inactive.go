package djauth

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/djsess/djsess/djsession"
)

// ErrOtherUsers: the logins in a store do not show that the users are the site's, so a user who is
// not found may be a user of another table.
var ErrOtherUsers = errors.New("the logins of the newest sessions do not show that these are the site's users")

// FindInactive returns a function that reports whether a session names a user who is deleted, or
// who may not log in any more, such as a deactivated one. Django treats the visitor as anonymous,
// and the session stays. ops.Revoke ends such sessions.
//
// With another table of users, or an old copy of it, every visitor would seem to be deleted. So
// FindInactive first looks at the newest logins of the store. At least half of them must be
// accepted as User does, with session auth hashes that fit. Otherwise it returns an ErrOtherUsers.
//
// The function returns false for a session that names no user, or that was logged in by a backend
// which is not among AuthenticationBackends. It remembers what it has found of a user.
func (a *Auth) FindInactive(ctx context.Context, store djsession.Store) (func(context.Context, *djsession.Values) (bool, error), error) {
	if err := a.checkUsers(ctx, store); err != nil {
		return nil, fmt.Errorf("djauth: find inactive users: %w", err)
	}
	known := &knownUsers{inactive: map[login]bool{}}
	return func(ctx context.Context, v *djsession.Values) (bool, error) {
		if !v.Has(idName) {
			return false, nil
		}
		return known.isInactive(ctx, a, v)
	}, nil
}

// checkUsers returns an error unless the logins of a store fit the users.
func (a *Auth) checkUsers(ctx context.Context, store djsession.Store) error {
	err := a.settingsError()
	if a.NoSessionAuthHash && err == nil {
		err = fmt.Errorf("%w: no hash is checked (NoSessionAuthHash)", ErrOtherUsers)
	}
	if checker, ok := a.users.(interface{ Check(context.Context) error }); ok && err == nil {
		err = checker.Check(ctx)
	}
	if err != nil {
		return err
	}
	found, err := a.sampleLogins(ctx, store)
	switch {
	case err != nil:
		return err
	case found.total == 0:
		return fmt.Errorf("%w: no live session names a user, or the store cannot list its sessions", ErrOtherUsers)
	case found.accepted*2 < found.total:
		return fmt.Errorf("%w: %w", ErrOtherUsers, found.failure())
	}
	return nil
}

// login is what decides whether a session's user is inactive.
type login struct{ id, backend string }

// knownUsers remembers which logins are those of inactive users, so that a user with many sessions
// is read once.
type knownUsers struct {
	mu       sync.Mutex
	inactive map[login]bool
}

// maxKnown limits the memory of knownUsers.
const maxKnown = 50_000

func (k *knownUsers) isInactive(ctx context.Context, a *Auth, v *djsession.Values) (bool, error) {
	id, ok := a.sessionUserID(v)
	if !ok {
		return false, nil // it may be an ID of another kind of user
	}
	of := login{id, v.GetString(backendName)}
	k.mu.Lock()
	inactive, found := k.inactive[of]
	k.mu.Unlock()
	if found {
		return inactive, nil
	}
	user, why, err := a.findUser(ctx, v)
	switch {
	case err != nil:
		return false, err
	case why != nil:
		inactive = why.kind == refusedNoUser
	default:
		mayLogIn, err := a.userCanAuthenticate(of.backend, user)
		if err != nil {
			return false, err
		}
		inactive = !mayLogIn
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.inactive) >= maxKnown {
		clear(k.inactive)
	}
	k.inactive[of] = inactive
	return inactive, nil
}
