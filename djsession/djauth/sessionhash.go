package djauth

import (
	"crypto/subtle"
	"encoding/hex"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// sessionHash is get_session_auth_hash under a secret: a fingerprint of the user's
// password, which ends the user's sessions when it changes.
func sessionHash(user *User, secret string, algorithm signing.Algorithm) (string, error) {
	const salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
	mac, err := signing.SaltedHMAC(salt, user.Password, secret, algorithm)
	return hex.EncodeToString(mac), err
}

// currentHash is the hash that Django would put into a session now.
func currentHash(settings *djsession.Settings, user *User) (string, error) {
	return sessionHash(user, settings.SecretKey, settings.DefaultHashingAlgorithm)
}

// verify tells whether a session's hash is the user's, and whether the session is
// to be renewed with the current one.
// The settings are the session's: they have opened it.
func verify(settings *djsession.Settings, user *User, hash string) (ok, renew bool, err error) {
	type candidate struct {
		secret    string
		algorithm signing.Algorithm
		renew     bool
	}
	candidates := []candidate{{settings.SecretKey, settings.DefaultHashingAlgorithm, false}}
	if isDjango(settings, "3.1", "3.2") {
		candidates = append(candidates, candidate{settings.SecretKey, signing.SHA1, false})
	}
	for _, secret := range settings.SecretKeyFallbacks {
		candidates = append(candidates, candidate{secret, settings.DefaultHashingAlgorithm, true})
	}
	for _, c := range candidates {
		want, err := sessionHash(user, c.secret, c.algorithm)
		if err != nil {
			return false, false, err
		}
		if equal(hash, want) {
			return true, c.renew, nil
		}
	}
	return false, false, nil
}

// equal is constant_time_compare.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
