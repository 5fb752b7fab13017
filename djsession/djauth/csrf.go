package djauth

import (
	"net/http"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/djcookie"
	"github.com/djsess/djsess/internal/randomtext"
)

// csrfName is where CSRF_USE_SESSIONS keeps the secret.
const csrfName = "_csrftoken"

const (
	csrfLength   = 32
	csrfAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// newCSRFSecret returns what rotate_token stores: a secret of random characters. Up to
// Django 4.0 it is stored masked, as a random mask and the secret shifted by it. All of
// these characters are random, so that no mask has to be applied.
func newCSRFSecret(settings *djsession.Settings) string {
	if !settings.AtLeast(4, 1) {
		return randomtext.New(2*csrfLength, csrfAlphabet)
	}
	return randomtext.New(csrfLength, csrfAlphabet)
}

// setCSRFCookie sets the cookie as CsrfViewMiddleware does.
func (a *Auth) setCSRFCookie(h http.Header, secret string, now time.Time) {
	cookie := djcookie.Cookie{
		Name:     a.CSRFCookieName,
		Value:    secret,
		Domain:   a.CSRFCookieDomain,
		Path:     a.CSRFCookiePath,
		SameSite: a.CSRFCookieSameSite,
		Secure:   a.CSRFCookieSecure,
		HTTPOnly: a.CSRFCookieHTTPOnly,
	}
	if a.CSRFCookieAge != 0 {
		cookie.Lasts = true
		cookie.MaxAge = int64(a.CSRFCookieAge / time.Second)
		cookie.Expires = now.Add(a.CSRFCookieAge)
	}
	cookie.Set(h)
	djcookie.AddVary(h, "Cookie")
}
