package djauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/djsess/djsess/djsession"
)

// User is request.user: the user who is logged in, or nil for Django's AnonymousUser.
// The first call in a request asks Users, if the session names a user; later calls
// return the same.
//
// User only reads: it neither ends a session nor renews one, and sets no cookie. A
// session that names a user whom User does not accept stays as it is, and the
// manager's Observer is told the reason (djsession.EventRefusal).
//
// An error says that the user is not known: the session cannot be loaded (see
// djsession.FromRequest), or Users returned an error. Answer it with djsession.Error;
// it is never a reason to treat the visitor as anonymous.
func (a *Auth) User(r *http.Request) (*User, error) {
	s, err := djsession.FromRequest(r)
	if err != nil {
		return nil, err
	}
	if user, ok := s.Local(a).(*User); ok {
		return user, nil
	}
	user, err := a.getUser(r, s)
	if err != nil {
		return nil, fmt.Errorf("djauth: session %s: %w", djsession.ShortKey(s.Key()), err)
	}
	s.SetLocal(a, user)
	return user, nil
}

// getUser decides as django.contrib.auth.get_user, and writes nothing. Django flushes
// a session whose hash does not fit, and renews one whose hash fits under a fallback key,
// at the visitor's next request there. Go leaves that to Django: if this service had the
// wrong users or the wrong key, no hash would fit, and it would log out every visitor.
func (a *Auth) getUser(r *http.Request, s *djsession.Session) (*User, error) {
	if !s.Has(idName) {
		return nil, nil
	}
	user, why, err := a.findUser(r.Context(), s)
	if err == nil && why == nil {
		why, err = a.acceptUser(s.Settings(), s, user)
	}
	switch {
	case err != nil:
		return nil, err
	case why != nil:
		a.report(r, s, why.kind, fmt.Errorf("djauth: a session's visitor is anonymous here: %w", why.reason))
		return nil, nil
	}
	return user, nil
}

// sessionValues are the values of a session: of a Session, or of a stored one.
type sessionValues interface {
	Get(name string, dst any) error
	GetString(name string) string
}

// findUser returns the user whom a session names, or why it names none that counts. An
// error is one of Users.
func (a *Auth) findUser(ctx context.Context, s sessionValues) (*User, *refused, error) {
	id, ok := a.sessionUserID(s)
	if !ok {
		return nil, refuse(refusedID, "its _auth_user_id is not a primary key of the user model: is UserModel.PrimaryKey right?"), nil
	}
	if backend := s.GetString(backendName); !slices.Contains(a.AuthenticationBackends, backend) {
		return nil, refuse(refusedBackend, "it was logged in by %.100q, which is not among AuthenticationBackends", backend), nil
	}
	user, err := a.users.User(ctx, id)
	switch {
	case errors.Is(err, ErrNoUser) || err == nil && user == nil:
		return nil, refuse(refusedNoUser, "its user does not exist: was the user deleted, or are UserModel.Table and PrimaryKey not the site's?"), nil
	case err != nil:
		return nil, nil, err
	}
	return user, nil, nil
}

// acceptUser returns nil if the user whom a session names is logged in, and otherwise why
// not. An error is one of the program's own hooks.
func (a *Auth) acceptUser(settings *djsession.Settings, s sessionValues, user *User) (*refused, error) {
	ok, err := a.userCanAuthenticate(s.GetString(backendName), user)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return refuse(refusedUser, "its user may not log in: was the user deactivated, or is UserModel.IsActive the wrong column?"), nil
	}
	return a.verifyHash(settings, user, s.GetString(hashName))
}

// sessionUserID returns the user's primary key in a session: _get_user_session_key.
func (a *Auth) sessionUserID(s sessionValues) (id string, ok bool) {
	var value any
	if err := s.Get(idName, &value); err != nil {
		return "", false
	}
	return a.users.PrimaryKey().Convert(value)
}

// refusal is a kind of reason why User takes a visitor for anonymous although the session
// names a user, or why RequireUser does not accept a host.
type refusal string

const (
	refusedID          refusal = "primary key"
	refusedBackend     refusal = "backend"
	refusedNoUser      refusal = "no user"
	refusedUser        refusal = "user may not log in"
	refusedNoHash      refusal = "no hash"
	refusedForeignHash refusal = "hash of another length"
	refusedHash        refusal = "hash"
	refusedHost        refusal = "host"
)

// refused says why a session's visitor is anonymous although the session names a user.
type refused struct {
	kind   refusal
	reason error
}

func refuse(kind refusal, format string, args ...any) *refused {
	return &refused{kind, fmt.Errorf(format, args...)}
}

// report tells the Observer why a request was refused. Any visitor can cause refusals, so
// the Observer is told of each kind at most once in eventlimit.Every.
func (a *Auth) report(r *http.Request, s *djsession.Session, kind refusal, err error) {
	n := a.refusals.Count(kind, s.Settings().Now())
	if n == 0 {
		return
	}
	if n > 1 {
		err = fmt.Errorf("%w (and %d more like it since the last message)", err, n-1)
	}
	djsession.Report(r, djsession.Event{Kind: djsession.EventRefusal, Session: djsession.ShortKey(s.Key()), Err: err})
}
