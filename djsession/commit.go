package djsession

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/djsess/djsess/internal/djcookie"
)

// facts are what decide needs to know of a request.
type facts struct {
	hasCookie      bool // the request has a session cookie
	accessed       bool // the handler read the session
	modified       bool // the session is to be saved
	empty          bool // the session has neither a key nor a value
	hasStaleCookie bool // the cookie holds the session's old key, which was deleted
	everyRequest   bool // SESSION_SAVE_EVERY_REQUEST
	readOnly       bool // nothing may change: a read-only manager, or a payload that was refused
	setByHandler   bool // the handler sets the session cookie itself, as a Django behind a proxy does
	status         int
}

// action is what to do before the first byte.
type action struct {
	check        bool // make sure that the session's cookie can be made; if not, the response must not be sent
	save         bool
	setCookie    bool
	deleteCookie bool
	vary         bool // Vary: Cookie
}

// decide decides as SessionMiddleware.process_response, with two differences. It never
// deletes the cookie of a key that the store does not have: Django does that. It sets the
// cookie of a session with a new key with any status, because the old key no longer works.
func decide(f facts) (a action) {
	switch {
	case f.readOnly, f.setByHandler && !f.modified:
	case f.empty:
		a.deleteCookie = f.hasCookie && f.modified
	case !f.modified && !f.everyRequest:
	case f.status >= http.StatusInternalServerError:
		a.check, a.setCookie = true, f.hasStaleCookie
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
		hasCookie:      x.hasCookie,
		accessed:       s.accessed,
		modified:       s.modified,
		empty:          s.IsEmpty(),
		hasStaleCookie: s.cookie == cookieStale,
		everyRequest:   x.m.settings().SessionSaveEveryRequest,
		readOnly:       x.m.ReadOnly || s.closed != nil,
		setByHandler:   x.setsCookie(),
		status:         status,
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
			return saveError(s, err)
		}
	}
	if a.setCookie {
		return x.setCookie(s)
	}
	return nil
}

// saveError returns the error of a save that the response must show. It returns nil if only the
// expiry was to be written and the manager may not write yet (ErrUnknownStore, ErrUnknownKey):
// the handler changed nothing, so its response is right.
func saveError(s *Session, err error) error {
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
	s, err := x.load(x.saveContext())
	if errors.As(err, new(*PayloadError)) {
		return nil, nil // the handler did not ask for the session
	}
	x.session = s
	return s, err
}

// save stores the session, although the client may have left or the request's deadline
// may have passed.
func (x *exchange) save(s *Session) error {
	if s.justStored {
		return nil // no other request has the key yet
	}
	if x.timedOut() {
		s.reported = fmt.Errorf("djsession: save %s: the request has timed out and was answered: %w", ShortKey(s.Key()), http.ErrHandlerTimeout)
		x.m.report(x.r.Context(), Event{Kind: EventSave, Session: ShortKey(s.Key()), Err: s.reported})
		return s.reported
	}
	return s.save(x.saveContext())
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

// saveContext is the context of a save, which a client that leaves does not end.
func (x *exchange) saveContext() context.Context { return x.m.saveContext(x.r.Context()) }

func (x *exchange) vary() { djcookie.AddVary(x.w.Header(), "Cookie") }

// hijack saves the session for a connection that is about to leave HTTP.
func (x *exchange) hijack() error {
	s := x.session
	if s == nil || !decide(x.facts(s, http.StatusSwitchingProtocols)).save {
		return nil
	}
	if err := x.save(s); err != nil {
		return saveError(s, err)
	}
	if s.Key() == x.key {
		return nil
	}
	// The code that takes over the connection may send this header itself.
	x.setCookie(s)
	x.m.report(x.r.Context(), Event{Kind: EventRefusal, Session: ShortKey(s.Key()), Err: errHijacked})
	return nil
}

var errHijacked = errors.New("djsession: the connection was hijacked: unless its new owner sends the Set-Cookie header, the visitor does not learn this session's key")
