package djauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/djsess/djsess/djsession"
)

// User is request.user: who is logged in, or nil for nobody, Django's
// AnonymousUser. The first call in a request asks for the user, with one query, and
// only if the session names one; later calls return the same.
//
// An error says that it is not known: the session is not to be had (see
// djsession.FromRequest), the users cannot be asked, or the session could not be
// renewed or flushed. Answer it with djsession.Error; it is never a reason to treat
// the visitor as anonymous.
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

// getUser is django.contrib.auth.get_user.
func (a *Auth) getUser(r *http.Request, s *djsession.Session) (*User, error) {
	if !s.Has(idName) {
		return nil, nil
	}
	id, ok := a.sessionUserID(s)
	backend := s.GetString(backendName)
	switch {
	case !ok:
		a.doubts.tell(r, "primary key", errors.New("djauth: _auth_user_id of a session is no primary key of the user model: is UserModel.PrimaryKey right?"))
		return nil, nil
	case !slices.Contains(a.AuthenticationBackends, backend):
		a.doubts.tell(r, backend, fmt.Errorf("djauth: a session was logged in by %.100q, which is not among AuthenticationBackends", backend))
		return nil, nil
	}
	user, err := a.users.User(r.Context(), id)
	switch {
	case errors.Is(err, ErrNoUser):
		return nil, nil
	case err != nil:
		return nil, err
	case user == nil || !a.userCanAuthenticate(backend, user):
		return nil, nil
	}
	ok, renew, err := verify(s.Settings(), user, s.GetString(hashName))
	switch {
	case err != nil:
		return nil, err
	case !ok && s.Unsigned() && !a.matched.Load():
		a.doubts.tell(r, hashName, errUnproven)
		return nil, nil
	case !ok:
		return nil, flush(r, s)
	}
	if !a.matched.Load() {
		a.matched.Store(true)
	}
	if renew && canRenew(r) {
		return user, a.renew(r, s, user)
	}
	return user, nil
}

// errUnproven: in a cache nothing else tells that the SECRET_KEY is the site's, and with
// another one no session's hash fits.
var errUnproven = errors.New("djauth: the auth hash of a session does not fit its user, nor has that of any other yet: " +
	"the session is left alone; if this comes again, is it the site's SECRET_KEY, DJANGO_VERSION and table of users?")

// sessionUserID is _get_user_session_key.
func (a *Auth) sessionUserID(s *djsession.Session) (id string, ok bool) {
	var value any
	if err := s.Get(idName, &value); err != nil {
		return "", false
	}
	return a.users.PrimaryKey().Convert(value)
}

// canRenew tells whether the new key is sure to reach the visitor. What is upgraded,
// such as to a websocket, sets no cookie, and a request with a deadline may be
// answered by somebody else. Django, or the visitor's next request, will renew it.
func canRenew(r *http.Request) bool {
	_, hasDeadline := r.Context().Deadline()
	return !hasDeadline && r.Header.Get("Upgrade") == ""
}

// flush ends a session that is not its user's any more, where it can be ended.
func flush(r *http.Request, s *djsession.Session) error {
	ctx, cancel := lasting(r)
	defer cancel()
	if err := s.Flush(ctx); !takesNoChanges(err) {
		return err
	}
	return nil
}

// renew moves a session from a fallback key to SECRET_KEY.
func (a *Auth) renew(r *http.Request, s *djsession.Session, user *User) error {
	hash, err := currentHash(s.Settings(), user)
	if err != nil {
		return err
	}
	ctx, cancel := lasting(r)
	defer cancel()
	err = s.CycleKey(ctx)
	switch {
	case takesNoChanges(err):
		return nil // the next request that can will do it
	case errors.Is(err, djsession.ErrSessionDeleted):
		// Another request of the visitor's has renewed it in the same moment.
		// This one goes on with what it loaded.
		return nil
	case err != nil:
		return err
	}
	return s.Set(hashName, hash)
}

// takesNoChanges tells whether a session was left as it is because this manager
// only reads, or the response is on its way.
func takesNoChanges(err error) bool {
	return errors.Is(err, djsession.ErrReadOnly) || errors.Is(err, djsession.ErrResponseStarted)
}
