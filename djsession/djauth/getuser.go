package djauth

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
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

// sessionUserID returns the user's primary key in a session: _get_user_session_key.
func (a *Auth) sessionUserID(s *djsession.Session) (id string, ok bool) {
	var value any
	if err := s.Get(idName, &value); err != nil {
		return "", false
	}
	return a.users.PrimaryKey().Convert(value)
}

// sessionHash is get_session_auth_hash under a secret: a fingerprint of the user's
// password, which ends the user's sessions when it changes.
func (a *Auth) sessionHash(user *User, secret string, algorithm signing.Algorithm) (string, error) {
	if a.SessionAuthHash == nil {
		const salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
		mac, err := signing.SaltedHMAC(salt, user.Password, secret, algorithm)
		return hex.EncodeToString(mac), err
	}
	hash, err := a.SessionAuthHash(user, secret)
	if err == nil && hash == "" {
		err = errors.New("the hash is empty") // Django, too, accepts no empty hash
	}
	if err != nil {
		return "", fmt.Errorf("SessionAuthHash of %v: %w", user, err)
	}
	return hash, nil
}

// currentHash returns the hash that Django would store in a session now.
func (a *Auth) currentHash(settings *djsession.Settings, user *User) (string, error) {
	return a.sessionHash(user, settings.SecretKey, settings.DefaultHashingAlgorithm)
}

// verify reports whether a session's hash is the user's, under SECRET_KEY or one of
// its fallbacks. The settings are those that the session was opened with.
func (a *Auth) verify(settings *djsession.Settings, user *User, hash string) (bool, error) {
	type candidate struct {
		secret    string
		algorithm signing.Algorithm
	}
	candidates := []candidate{{settings.SecretKey, settings.DefaultHashingAlgorithm}}
	if settings.AtLeast(3, 1) && !settings.AtLeast(4, 0) {
		candidates = append(candidates, candidate{settings.SecretKey, signing.SHA1})
	}
	for _, secret := range settings.SecretKeyFallbacks {
		candidates = append(candidates, candidate{secret, settings.DefaultHashingAlgorithm})
	}
	for _, c := range candidates {
		want, err := a.sessionHash(user, c.secret, c.algorithm)
		if err != nil {
			return false, err
		}
		if equal(hash, want) {
			return true, nil
		}
	}
	return false, nil
}

// equal is constant_time_compare.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// refusal is a kind of reason why User takes a visitor for anonymous although the session
// names a user, or why RequireUser does not accept a host.
type refusal string

const (
	refusedID      refusal = "primary key"
	refusedBackend refusal = "backend"
	refusedNoUser  refusal = "no user"
	refusedUser    refusal = "user may not log in"
	refusedHash    refusal = "hash"
	refusedHost    refusal = "host"
)

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
