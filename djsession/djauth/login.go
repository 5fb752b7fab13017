package djauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Login logs a user in, whose password or other proof the caller has checked:
// django.contrib.auth.login. The user is one that Users returned: the session's
// hash is made of its Password. Backend is the path of the backend that vouches for
// the user, and is kept in the session; "" is the only one of
// AuthenticationBackends, and an error when there are several.
//
// As in Django, an anonymous visitor's session goes on under a new key; the session
// of another user, or of the same one with another password, is flushed; that of
// the same user is kept. The CSRF secret is a new one, and last_login is now.
// Whether the user is active is not asked here, but with every request.
//
// Once the response has begun it is djsession.ErrResponseStarted, and on a
// read-only manager djsession.ErrReadOnly: nothing was done then. Otherwise the
// steps are these, and an error ends them:
//
//  1. last_login is set. An error leaves all else as it was.
//  2. The session is flushed, or gets a new key; both are done at once. An error
//     of the store leaves the session as it was, or under its new key.
//  3. The session names the user, and the CSRF secret is set. Both are in memory,
//     and go out with the response, unless its status is from 500 up.
//
// So no error leaves anybody logged in who was not, and what it can leave behind is
// a last_login, or a visitor whose session was ended.
func (a *Auth) Login(w http.ResponseWriter, r *http.Request, user *User, backend string) error {
	s, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	if err := a.login(w, r, s, user, backend); err != nil {
		return fmt.Errorf("djauth: login: %w", err)
	}
	s.SetLocal(a, user)
	return nil
}

func (a *Auth) login(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *User, backend string) error {
	if user == nil {
		return errors.New("there is no user")
	}
	id, ok := a.users.PrimaryKey().Convert(user.ID)
	if !ok {
		return fmt.Errorf("%v: not a primary key of the user model", user)
	}
	backend, err := a.backend(backend)
	if err != nil {
		return err
	}
	hash, err := a.currentHash(s.Settings(), user)
	if err != nil {
		return err
	}
	if err := s.Delete(); err != nil { // deletes nothing: does the session take changes?
		return err
	}
	changes := []djsession.Change{
		djsession.Set(idName, id),
		djsession.Set(backendName, backend),
		djsession.Set(hashName, hash),
	}
	secret := a.newCSRFSecret()
	if a.CSRFUseSessions {
		changes = append(changes, djsession.Set(csrfName, secret))
	}

	ctx, cancel := lasting(r)
	defer cancel()
	now := a.settings.Now().Truncate(time.Microsecond)
	if err := a.users.SetLastLogin(ctx, id, now); err != nil {
		return err
	}
	user.LastLogin = now
	if err := a.makeWay(ctx, s, id, hash); err != nil {
		return err
	}
	if err := s.Apply(changes...); err != nil {
		return err
	}
	if !a.CSRFUseSessions {
		a.setCSRFCookie(w.Header(), secret)
	}
	return nil
}

// makeWay readies a session for a user: nobody gets at what another one left, and a
// key that was known before the login is worth nothing after it.
func (a *Auth) makeWay(ctx context.Context, s *djsession.Session, id, hash string) error {
	if !s.Has(idName) {
		err := s.CycleKey(ctx)
		if errors.Is(err, djsession.ErrSessionDeleted) {
			// Somebody clicked twice: the other request has cycled the key. This
			// one's answer is the one that is seen, and must not be an error.
			err = s.Flush(ctx)
		}
		if err != nil || !s.Has(idName) {
			return err
		}
		// Somebody was logged in by another request, and CycleKey has merged it.
	}
	before, ok := a.sessionUserID(s)
	if ok && before == id && equal(s.GetString(hashName), hash) {
		return nil
	}
	return s.Flush(ctx)
}

// backend is the path of the backend that a login is by.
func (a *Auth) backend(path string) (string, error) {
	switch {
	case path != "":
		return path, nil
	case len(a.AuthenticationBackends) == 1:
		return a.AuthenticationBackends[0], nil
	}
	return "", fmt.Errorf("which backend? There are %d: %s",
		len(a.AuthenticationBackends), strings.Join(a.AuthenticationBackends, ", "))
}
