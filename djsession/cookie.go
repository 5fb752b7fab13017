package djsession

import (
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/internal/djcookie"
)

// setCookie sets the session's cookie.
func (x *exchange) setCookie(s *Session) error {
	cookie, err := x.m.sessionCookie(s.Key(), s.values)
	if err == nil {
		cookie.Set(x.w.Header())
		x.vary()
	}
	return err
}

// replaceStaleCookie sets the cookie of a session that already has a new key, although the
// response is replaced by an error.
func (x *exchange) replaceStaleCookie() {
	if s := x.session; s != nil && s.cookie == cookieStale {
		x.setCookie(s) // its error is dropped: the response reports another one already
	}
}

// deleteCookie deletes the cookie of a session that was ended or emptied. A key that the
// store does not have stays if the store may not be the site's.
func (x *exchange) deleteCookie(s *Session) {
	if s.cookie == cookieUnknown || s.cookie == cookieForeign {
		if err := s.mayReplaceCookie(x.r.Context()); err != nil {
			x.m.report(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.cookieValue), Err: err})
			return
		}
	}
	c := x.m.settings()
	djcookie.Deleted(c.SessionCookieName, c.SessionCookieDomain, c.SessionCookiePath, c.SessionCookieSameSite).Set(x.w.Header())
}

// sessionCookie returns the cookie of a session.
func (m *Manager) sessionCookie(key string, v *Values) (djcookie.Cookie, error) {
	s := m.settings()
	cookie := djcookie.Cookie{
		Name:     s.SessionCookieName,
		Value:    key,
		Domain:   s.SessionCookieDomain,
		Path:     s.SessionCookiePath,
		SameSite: s.SessionCookieSameSite,
		Secure:   s.SessionCookieSecure,
		HTTPOnly: s.SessionCookieHTTPOnly,
	}
	if (m.WrapCookie != nil || m.UnwrapCookie != nil) && !m.selfContained && key != "" {
		var err error
		if cookie.Value, err = m.wrap(key, v); err != nil {
			return cookie, fmt.Errorf("%w: WrapCookie: %w", errNoCookie, err)
		}
	}
	browserClose, err := s.expiresAtBrowserClose(v)
	if err != nil || browserClose {
		return cookie, err
	}
	now := s.Now()
	seconds, micros, err := s.expiryAge(v, now)
	if err != nil {
		return cookie, err
	}
	cookie.Lasts = true
	cookie.MaxAge = seconds // Python's int() drops a fraction
	cookie.Expires, err = checkYear(addSeconds(now, seconds, micros))
	return cookie, err
}

// wrap calls WrapCookie. An empty value is an error, because the visitor would lose the
// cookie of the request.
func (m *Manager) wrap(key string, v *Values) (value string, err error) {
	if m.WrapCookie == nil {
		return "", errors.New("it must be set if UnwrapCookie is")
	}
	if value, err = m.WrapCookie(key, v); err == nil && value == "" {
		err = errors.New("it returned an empty value")
	}
	return value, err
}

// checkCookie returns an error if no cookie can be made for a session. Such a session
// must not be stored, since the visitor could not learn its key.
func (m *Manager) checkCookie(key string, v *Values) error {
	_, err := m.sessionCookie(key, v)
	return err
}

var errNoCookie = errors.New("the session has no cookie")

// setsCookie reports whether the handler sets the session's cookie itself.
func (x *exchange) setsCookie() bool {
	for _, line := range x.w.Header()["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); name == x.m.settings().SessionCookieName {
			return true
		}
	}
	return false
}
