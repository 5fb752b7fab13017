package djauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Login is django.contrib.auth.login: it logs in a user whose password or other proof
// the caller has checked. The user must be one that Users returned, because the
// session's hash is made of its Password. Backend is the path of the backend that
// vouches for the user, and is stored in the session. It must be one of
// AuthenticationBackends; "" is the only one, and an error when there are several.
//
// As in Django, an anonymous visitor's session gets a new key and keeps its values.
// The session of the same user is kept if its hash is the user's under SECRET_KEY.
// The session of another user, or with another hash (after a change of password, or
// made under a fallback key), is flushed. The CSRF secret is a new one, and last_login
// is now. Login does not ask whether the user is active; User does, in each request.
//
// After the response has begun, Login returns djsession.ErrResponseStarted, and on a
// read-only manager djsession.ErrReadOnly, and has done nothing. Otherwise it takes
// these steps, and ends at the first error:
//
//  1. last_login is set. An error leaves all else as it was.
//  2. The session is flushed, or gets a new key; both are done at once. An error
//     of the store leaves the session as it was, or under its new key.
//  3. The session names the user, and the CSRF secret is set. Both are in memory,
//     and are stored and sent with the response, unless its status is from 500 up.
//
// So an error logs nobody in. It can leave a new last_login, or a visitor whose
// session was ended.
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
	settings := s.Settings()
	hash, err := a.currentHash(settings, user)
	if err != nil {
		return err
	}
	if err := s.Writable(); err != nil {
		return err
	}

	secret := newCSRFSecret(settings)
	ctx, cancel := detached(r)
	defer cancel()
	now := settings.Now().Truncate(time.Microsecond)
	if err := a.users.SetLastLogin(ctx, id, now); err != nil {
		return err
	}
	user.LastLogin = now
	if err := a.renewSession(ctx, s, id, hash); err != nil {
		return err
	}
	err = s.Apply(func(v *djsession.Values) error {
		err := errors.Join(v.Set(idName, id), v.Set(backendName, backend), v.Set(hashName, hash))
		if err == nil && a.CSRFUseSessions {
			err = v.Set(csrfName, secret)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !a.CSRFUseSessions {
		a.setCSRFCookie(w.Header(), secret, settings.Now())
	}
	return nil
}

// renewSession prepares a session for a user, who must not get the values of another user.
// A key that was known before the login must not be valid after it.
func (a *Auth) renewSession(ctx context.Context, s *djsession.Session, id, hash string) error {
	if !s.Has(idName) {
		err := s.CycleKey(ctx)
		if errors.Is(err, djsession.ErrSessionDeleted) {
			// The visitor clicked twice, and the other request has cycled the key.
			// The browser shows the answer to this one, which must not be an error.
			err = s.Flush(ctx)
		}
		if err != nil || !s.Has(idName) {
			return err
		}
		// Another request has logged a user in, and CycleKey has merged that.
	}
	before, ok := a.sessionUserID(s)
	if ok && before == id && (hash == "" || equal(s.GetString(hashName), hash)) {
		return nil
	}
	return s.Flush(ctx)
}

// backend returns the path of the backend that the session will name.
func (a *Auth) backend(path string) (string, error) {
	switch {
	case path != "" && !slices.Contains(a.AuthenticationBackends, path):
		return "", fmt.Errorf("backend %.100q is not among AuthenticationBackends, so the user would stay anonymous", path)
	case path != "":
		return path, nil
	case len(a.AuthenticationBackends) == 1:
		return a.AuthenticationBackends[0], nil
	}
	return "", fmt.Errorf("which backend? There are %d: %s",
		len(a.AuthenticationBackends), strings.Join(a.AuthenticationBackends, ", "))
}

// languageName is where Django up to 3.2 keeps the visitor's language. Logout keeps it in
// 2.2 only.
const languageName = "_language"

// Logout is django.contrib.auth.logout: it flushes the session at once, with all its
// values, and deletes its cookie with the response. It does so for an anonymous visitor,
// too, and even if the client leaves. The CSRF cookie stays, as in Django.
func (a *Auth) Logout(r *http.Request) error {
	s, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	var language any
	if !s.Settings().AtLeast(3, 0) && s.Has(languageName) {
		if err := s.Get(languageName, &language); err != nil {
			return fmt.Errorf("djauth: logout: %w", err)
		}
	}
	ctx, cancel := detached(r)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		return fmt.Errorf("djauth: logout: %w", err)
	}
	if language != nil {
		if err := s.Set(languageName, language); err != nil {
			return fmt.Errorf("djauth: logout: %w", err)
		}
	}
	s.SetLocal(a, (*User)(nil))
	return nil
}

// writeTimeout bounds a login or a logout, which does not end with the request.
const writeTimeout = 10 * time.Second

// detached returns a request's context for a login or a logout. It does not end when the
// client leaves, so that neither is left half done. Django does the same.
func detached(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), writeTimeout)
}
