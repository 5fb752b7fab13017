package djsession

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/djsess/djsess/internal/djcookie"
)

// facts are everything that decide looks at.
type facts struct {
	cookie    bool // the request brought a session cookie
	accessed  bool // the handler looked at the session
	modified  bool // the session is to be saved
	empty     bool // it has neither a key nor a value
	stale     bool // the cookie holds its old key, which was deleted
	everyTime bool // SESSION_SAVE_EVERY_REQUEST
	untouched bool // nothing may change: a read-only manager, or a payload that was refused
	answered  bool // the handler sets the session cookie itself, as a Django behind a proxy does
	status    int
}

// action is what to do before the first byte.
type action struct {
	check                         bool // that the session's cookie can be made; if not, the response must not go out
	save, setCookie, deleteCookie bool
	vary                          bool
}

// decide is SessionMiddleware.process_response, with two differences. It never deletes
// the cookie of a key that the store does not have: Django does that. It sets the cookie
// of a moved session with any status, because the visitor's old key no longer works.
func decide(f facts) (a action) {
	switch {
	case f.untouched, f.answered && !f.modified:
	case f.empty:
		a.deleteCookie = f.cookie && f.modified
	case !f.modified && !f.everyTime:
	case f.status >= http.StatusInternalServerError:
		a.check, a.setCookie = true, f.stale
	default:
		a.check, a.save, a.setCookie = true, true, true
	}
	a.vary = f.accessed || a.setCookie || a.deleteCookie
	return a
}

// facts returns the facts of the request, for a response with this status.
func (x *exchange) facts(s *Session, status int) facts {
	if x.failing && s.reported != nil { // the ErrorHandler answers because the session could not be saved
		status = max(status, http.StatusInternalServerError)
	}
	return facts{
		cookie:    x.came,
		accessed:  s.accessed,
		modified:  s.modified,
		empty:     s.IsEmpty(),
		stale:     s.cookie == cookieStale,
		everyTime: x.m.settings().SessionSaveEveryRequest,
		untouched: x.m.ReadOnly || s.closed != nil,
		answered:  x.setsCookie(),
		status:    status,
	}
}

// commit saves the session, and sets or deletes its cookie. On error the response must
// not go out as it is.
func (x *exchange) commit(status int) error {
	defer x.close()
	s, err := x.sessionToCommit(status)
	if s == nil {
		return err
	}
	a := decide(x.facts(s, status))
	if a.vary {
		x.vary()
	}
	if a.deleteCookie {
		x.deleteCookie(s)
	}
	if a.check {
		if err := x.m.checkCookie(s.Key(), s.values); err != nil {
			return err
		}
	}
	if a.save {
		if err := x.save(s); err != nil {
			return dueTo(s, err)
		}
	}
	if a.setCookie {
		return x.setCookie(s)
	}
	return nil
}

// dueTo is the error of a save, unless the handler changed nothing and nothing may be
// written yet: its answer is good without a new expiry.
func dueTo(s *Session, err error) error {
	if !s.modified && (errors.Is(err, ErrUnknownStore) || errors.Is(err, ErrUnknownKey)) {
		return nil
	}
	return err
}

// sessionToCommit returns the handler's session. With SESSION_SAVE_EVERY_REQUEST it
// loads one that the handler never asked for. It returns nil if there is no session, or
// if the handler was told that it could not be loaded.
func (x *exchange) sessionToCommit(status int) (*Session, error) {
	switch {
	case x.err != nil: // the handler asked for the session and got this error
		x.vary()
		return nil, nil
	case x.session != nil:
		return x.session, nil
	case !x.m.settings().SessionSaveEveryRequest, x.m.ReadOnly, x.cookie == "", status >= http.StatusInternalServerError, x.setsCookie():
		return nil, nil
	}
	s, err := x.load(x.saving())
	if errors.As(err, new(*PayloadError)) {
		return nil, nil // the handler did not ask for the session
	}
	x.session = s
	return s, err
}

// setsCookie reports whether the handler sets the session's cookie itself.
func (x *exchange) setsCookie() bool {
	for _, line := range x.w.Header()["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); name == x.m.settings().SessionCookieName {
			return true
		}
	}
	return false
}

// save stores the session, although the client may have left or the request's deadline
// may have passed.
func (x *exchange) save(s *Session) error {
	if s.justStored {
		return nil // nobody else has the key yet
	}
	if x.timedOut() {
		s.reported = fmt.Errorf("djsession: save %s: the request has timed out and was answered: %w", ShortKey(s.Key()), http.ErrHandlerTimeout)
		x.m.tell(x.r.Context(), Event{Kind: EventSave, Session: ShortKey(s.Key()), Err: s.reported})
		return s.reported
	}
	return s.save(x.saving())
}

// timedOut reports whether an http.TimeoutHandler around Handler has answered in its
// place, with status 503. As for any status from 500 up, nothing is saved then.
func (x *exchange) timedOut() bool {
	if !errors.Is(x.r.Context().Err(), context.DeadlineExceeded) {
		return false
	}
	for w := x.w.ResponseWriter; w != nil; {
		// http.TimeoutHandler has no method that reports it, and drops what is written after the deadline.
		if reflect.TypeOf(w).String() == "*http.timeoutWriter" {
			return true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
	return false
}

// saving is the context of a save, which a client that leaves does not end.
func (x *exchange) saving() context.Context { return x.m.saving(x.r.Context()) }

func (x *exchange) vary() { djcookie.AddVary(x.w.Header(), "Cookie") }

func (x *exchange) setCookie(s *Session) error {
	cookie, err := x.m.sessionCookie(s.Key(), s.values)
	if err == nil {
		cookie.Set(x.w.Header())
		x.vary()
	}
	return err
}

// setCookieOfMoved sets the cookie of a session that already has a new key, although the
// response is replaced by an error.
func (x *exchange) setCookieOfMoved() {
	if s := x.session; s != nil && s.cookie == cookieStale {
		x.setCookie(s) // its error is dropped: the response reports another one already
	}
}

// deleteCookie deletes the cookie of a session that was ended or emptied. A key that the
// store does not have stays if the store may not be the site's.
func (x *exchange) deleteCookie(s *Session) {
	if s.cookie == cookieUnknown || s.cookie == cookieForeign {
		if err := s.mayReplaceCookie(x.r.Context()); err != nil {
			x.m.tell(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.cookieValue), Err: err})
			return
		}
	}
	c := x.m.settings()
	djcookie.Deleted(c.SessionCookieName, c.SessionCookieDomain, c.SessionCookiePath, c.SessionCookieSameSite).Set(x.w.Header())
}

// sessionCookie is the cookie of a session.
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
	if (m.WrapCookie != nil || m.UnwrapCookie != nil) && !m.keyIsSession && key != "" {
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
	cookie.MaxAge = seconds // int() cuts a fraction off
	cookie.Expires, err = checkYear(addSeconds(now, seconds, micros))
	return cookie, err
}

// wrap is WrapCookie, but that it is an error when there is no value: the visitor would
// lose the cookie that came.
func (m *Manager) wrap(key string, v *Values) (value string, err error) {
	if m.WrapCookie == nil {
		return "", errors.New("it is not set, and UnwrapCookie is")
	}
	if value, err = m.WrapCookie(key, v); err == nil && value == "" {
		err = errors.New("it returned nothing")
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

// hijack saves the session for a connection that is about to leave HTTP.
func (x *exchange) hijack() error {
	s := x.session
	if s == nil || !decide(x.facts(s, http.StatusSwitchingProtocols)).save {
		return nil
	}
	if err := x.save(s); err != nil {
		return dueTo(s, err)
	}
	if s.Key() == x.key {
		return nil
	}
	// The code that took over the connection may send this header itself.
	x.setCookie(s)
	x.m.tell(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.Key()), Err: errHijacked})
	return nil
}

var errHijacked = errors.New("djsession: the connection was hijacked: unless its new owner sends the Set-Cookie header, the visitor does not learn this session's key")

// replaceResponse has the ErrorHandler answer in place of a response that must not
// go out, with the headers that were set before the handler.
func (x *exchange) replaceResponse(err error) {
	header := x.w.Header()
	clear(header)
	for _, lines := range x.header {
		header[lines.name] = lines.values
	}
	x.setCookieOfMoved()
	x.w.state = answering
	x.serveError(&x.w, x.inner, err)
	if x.w.state == answering {
		x.w.ResponseWriter.WriteHeader(http.StatusInternalServerError)
	}
	x.w.state, x.w.failed = replaced, err
}
