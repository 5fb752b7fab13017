package djauth

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// currentHash returns the hash that Django would store in a session now: "" if the user
// model makes none.
func (a *Auth) currentHash(settings *djsession.Settings, user *User) (string, error) {
	if err := a.settingsError(); err != nil {
		return "", err
	}
	if a.NoSessionAuthHash {
		if settings.AtLeast(6, 1) {
			return "", errors.New("from 6.1 on Django logs in no user without get_session_auth_hash, and NoSessionAuthHash is set")
		}
		return "", nil
	}
	return a.ownHash(user, settings.SecretKey, settings.DefaultHashingAlgorithm)
}

// verifyHash returns nil if a session's hash is the user's under SECRET_KEY or one of its
// fallbacks, and otherwise why it is not. The settings are those that the session was
// opened with.
func (a *Auth) verifyHash(settings *djsession.Settings, user *User, hash string) (*refused, error) {
	if err := a.settingsError(); err != nil || a.NoSessionAuthHash {
		return nil, err
	}
	if hash == "" {
		return refuse(refusedNoHash, "it has no _auth_user_hash: if the site's user model has no get_session_auth_hash, set NoSessionAuthHash"), nil
	}
	_, ok, err := a.hashKey(settings, user, hash)
	if err != nil || ok {
		return nil, err
	}
	want, err := a.currentHash(settings, user)
	if err != nil {
		return nil, err
	}
	if len(hash) != len(want) {
		return refuse(refusedForeignHash, "its _auth_user_hash has %d characters, and its user's hash has %d: does the site's user model have "+
			"a get_session_auth_hash of its own (see Auth.SessionAuthHash), or is DJANGO_VERSION not the site's?", len(hash), len(want)), nil
	}
	return refuse(refusedHash, "its _auth_user_hash does not fit its user. That is so after a change of password, until Django ends the session. "+
		"If it happens to users who did not change it: are SECRET_KEY, SECRET_KEY_FALLBACKS, DJANGO_VERSION and UserModel.Table the site's, "+
		"and does its user model have a get_session_auth_hash of its own (see Auth.SessionAuthHash)?"), nil
}

// hashKey returns the key under which a session's hash is the user's: 0 for SECRET_KEY, and i for
// the i-th of its fallbacks, counted from 1. It is false if there is none.
func (a *Auth) hashKey(settings *djsession.Settings, user *User, hash string) (key int, ok bool, err error) {
	want, err := a.ownHash(user, settings.SecretKey, settings.DefaultHashingAlgorithm)
	if err != nil || equal(hash, want) {
		return 0, err == nil, err
	}
	if settings.AtLeast(3, 1) && !settings.AtLeast(4, 0) {
		legacy, err := djangoHash(user, settings.SecretKey, signing.SHA1) // even if the model overrides the method
		if err != nil || equal(hash, legacy) {
			return 0, err == nil, err
		}
	}
	fallbackHash := a.ownHash
	if a.InheritsFallbackHash {
		fallbackHash = djangoHash
	}
	for i, secret := range settings.SecretKeyFallbacks {
		earlier, err := fallbackHash(user, secret, settings.DefaultHashingAlgorithm)
		if err != nil || equal(hash, earlier) {
			return i + 1, err == nil, err
		}
	}
	return 0, false, nil
}

// ownHash is get_session_auth_hash of the site's user model under a secret: a fingerprint
// of the user's password, which ends the user's sessions when it changes.
func (a *Auth) ownHash(user *User, secret string, algorithm signing.Algorithm) (string, error) {
	if a.SessionAuthHash == nil {
		return djangoHash(user, secret, algorithm)
	}
	hash, err := callHook(func() (string, error) { return a.SessionAuthHash(user, secret) })
	if err == nil && hash == "" {
		err = errors.New("the hash is empty") // Django, too, accepts no empty hash
	}
	if err != nil {
		return "", fmt.Errorf("SessionAuthHash of %v: %w", user, err)
	}
	return hash, nil
}

// djangoHash is get_session_auth_hash of AbstractBaseUser.
func djangoHash(user *User, secret string, algorithm signing.Algorithm) (string, error) {
	const salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
	return hexHMAC(salt, user.Password, secret, algorithm)
}

// hexHMAC is salted_hmac(…).hexdigest().
func hexHMAC(salt, value, secret string, algorithm signing.Algorithm) (string, error) {
	mac, err := signing.SaltedHMAC(salt, value, secret, algorithm)
	return hex.EncodeToString(mac), err
}

// equal is constant_time_compare.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
