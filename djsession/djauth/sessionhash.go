package djauth

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

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

// currentHash is the hash that Django would put into a session now.
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
