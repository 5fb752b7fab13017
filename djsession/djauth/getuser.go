package djauth

import (
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
// djsession.FromRequest), or Users cannot be asked. Answer it with djsession.Error;
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
	refuse := func(kind refusal, format string, args ...any) (*User, error) {
		a.report(r, s, kind, fmt.Errorf("djauth: a session's visitor is anonymous here: "+format, args...))
		return nil, nil
	}
	id, ok := a.sessionUserID(s)
	if !ok {
		return refuse(refusedID, "its _auth_user_id is not a primary key of the user model: is UserModel.PrimaryKey right?")
	}
	backend := s.GetString(backendName)
	if !slices.Contains(a.AuthenticationBackends, backend) {
		return refuse(refusedBackend, "it was logged in by %.100q, which is not among AuthenticationBackends", backend)
	}
	user, err := a.users.User(r.Context(), id)
	switch {
	case errors.Is(err, ErrNoUser) || err == nil && user == nil:
		return refuse(refusedNoUser, "its user does not exist: was the user deleted, or is UserModel.Table not the site's table of users?")
	case err != nil:
		return nil, err
	case !a.userCanAuthenticate(backend, user):
		return refuse(refusedUser, "its user may not log in: was the user deactivated, or is UserModel.IsActive the wrong column?")
	}
	ok, err = a.verify(s.Settings(), user, s.GetString(hashName))
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return refuse(refusedHash, "its _auth_user_hash does not fit its user. That is so after a change of password, until Django ends the session. "+
			"If it happens to users who did not change it: are SECRET_KEY, SECRET_KEY_FALLBACKS, DJANGO_VERSION and UserModel.Table the site's, "+
			"and does its user model have a get_session_auth_hash of its own (see Auth.SessionAuthHash)?")
	}
	return user, nil
}

// sessionUserID is _get_user_session_key.
func (a *Auth) sessionUserID(s *djsession.Session) (id string, ok bool) {
	var value any
	if err := s.Get(idName, &value); err != nil {
		return "", false
	}
	return a.users.PrimaryKey().Convert(value)
}
