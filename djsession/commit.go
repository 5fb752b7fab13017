package djsession

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/djsess/djsess/internal/djcookie"
)

// commit is SessionMiddleware.process_response: it saves the session, and sets or
// deletes its cookie. On error the response must not go out as it is.
func (x *exchange) commit(status int) error {
	defer x.close()
	s := x.session
	switch {
	case errors.Is(x.r.Context().Err(), context.DeadlineExceeded):
		// Whoever set it, such as http.TimeoutHandler, answers in our place.
		status = max(status, http.StatusServiceUnavailable)
	case x.failing && s != nil && s.told != nil:
		// The ErrorHandler answers because the session could not be saved.
		status = max(status, http.StatusInternalServerError)
	}
	usable := x.came && usableKey(x.key)
	switch {
	case x.err != nil: // and so nothing is known, and nothing is done
		x.vary()
		return nil
	case x.m.ReadOnly, s != nil && s.refused:
		if s != nil && s.accessed {
			x.vary()
		}
		return nil
	case (s == nil || !s.modified) && x.answered():
		if s != nil && s.accessed {
			x.vary()
		}
		return nil
	case s != nil:
	case x.came && !usable:
		x.deleteCookie()
		return nil
	case usable && x.m.settings.SessionSaveEveryRequest && status < 500:
		var err error
		if s, err = x.loadUnasked(); s == nil {
			return err
		}
	default:
		return nil
	}

	// Django loads a session when it is looked at. One that nobody looked at
	// counts as there, as long as its key could be one.
	unseen := !s.accessed && usable
	if s.IsEmpty() && !unseen {
		if err := x.knowsStore(s); x.came && err == nil {
			x.deleteCookie()
		} else if s.accessed {
			x.refuse(s, err)
			x.vary()
		}
		return nil
	}
	if s.accessed {
		x.vary()
	}
	if !s.modified && !x.m.settings.SessionSaveEveryRequest {
		return nil
	}
	_, err := x.m.sessionCookie(s) // before anything is saved that can have none
	if err != nil {
		return err
	}
	if status >= 500 {
		x.setCookieOfMoved()
		return nil
	}
	if err := x.save(s); err != nil {
		if !s.modified && errors.Is(err, ErrUnknownStore) {
			x.refuse(s, err) // nobody wanted anything of it
			return nil
		}
		return err
	}
	cookie, err := x.m.sessionCookie(s) // a save that merged may have changed it
	if err != nil {
		return err
	}
	cookie.Set(x.w.Header())
	x.vary()
	return nil
}

// answered tells whether the handler sets the session's cookie itself, as a Django
// that it passes requests on to does.
func (x *exchange) answered() bool {
	for _, line := range x.w.Header()["Set-Cookie"] {
		if name, _, _ := strings.Cut(line, "="); name == x.m.settings.SessionCookieName {
			return true
		}
	}
	return false
}

// setCookieOfMoved sets the cookie of a session that has a new key already, though
// nothing is saved: its visitor would have none any more. Django has him log in
// again.
func (x *exchange) setCookieOfMoved() {
	if x.session == nil || !x.session.moved || x.session.record == nil {
		return
	}
	if cookie, err := x.m.sessionCookie(x.session); err == nil {
		cookie.Set(x.w.Header())
		x.vary()
	}
}

// loadUnasked loads a session that is to be saved though the handler never asked
// for it. A payload that cannot be trusted is not the handler's fault.
func (x *exchange) loadUnasked() (*Session, error) {
	s, err := x.m.load(x.saving(), x.key)
	if payload := (*PayloadError)(nil); errors.As(err, &payload) || s != nil && s.refused {
		return nil, nil
	}
	x.session = s
	return s, err
}

// save stores the session unless that is done.
func (x *exchange) save(s *Session) error {
	if s.saved {
		return nil
	}
	return s.save(x.saving())
}

// knowsStore is an error when the store does not have the session, and may not be
// the site's.
func (x *exchange) knowsStore(s *Session) error {
	if s.unknown == "" {
		return nil
	}
	return x.m.wondersAtStore(x.r.Context())
}

// saving is the context of a save, which a client that leaves does not end.
func (x *exchange) saving() context.Context { return x.m.lasting(x.r.Context()) }

func (x *exchange) vary() { djcookie.AddVary(x.w.Header(), "Cookie") }

func (x *exchange) deleteCookie() {
	s := x.m.settings
	djcookie.Deleted(s.SessionCookieName, s.SessionCookieDomain, s.SessionCookiePath, s.SessionCookieSameSite).Set(x.w.Header())
	x.vary()
}

// refuse tells that a cookie was left alone that Django would have taken away.
func (x *exchange) refuse(s *Session, err error) {
	if s.unknown != "" && x.m.trust.tells() {
		x.m.tell(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.unknown), Err: err})
	}
}

// sessionCookie is the cookie of a session.
func (m *Manager) sessionCookie(session *Session) (djcookie.Cookie, error) {
	s, v := m.settings, session.values
	cookie := djcookie.Cookie{
		Name:     s.SessionCookieName,
		Value:    session.Key(),
		Domain:   s.SessionCookieDomain,
		Path:     s.SessionCookiePath,
		SameSite: s.SessionCookieSameSite,
		Secure:   s.SessionCookieSecure,
		HTTPOnly: s.SessionCookieHTTPOnly,
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

// hijack saves the session for a connection that is about to leave HTTP.
func (x *exchange) hijack() error {
	s := x.session
	if s == nil || x.m.ReadOnly || s.refused || s.IsEmpty() || !s.modified && !x.m.settings.SessionSaveEveryRequest {
		return nil
	}
	if err := x.save(s); err != nil {
		return err
	}
	if s.Key() == x.key {
		return nil
	}
	// Who writes the response's headers himself may find it there.
	if cookie, err := x.m.sessionCookie(s); err == nil {
		cookie.Set(x.w.Header())
	}
	x.m.tell(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.Key()), Err: errNoCookie})
	return nil
}

var errNoCookie = errors.New("djsession: the connection was hijacked: unless its new owner sends the Set-Cookie header, the visitor does not learn this session's key")

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
