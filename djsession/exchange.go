package djsession

import (
	"context"
	"errors"
	"net/http"

	"github.com/djsess/djsess/internal/djcookie"
)

// Handler is the middleware: it makes FromRequest work in next, and saves the
// session and sets its cookie just before the first byte of the response.
//
//   - When the session is saved, which cookie is set or deleted and Vary: Cookie are
//     decided as in Django 5.2. A response with a status from 500 up saves nothing, nor
//     does a panic; but the cookie of a session that CycleKey has moved goes out with
//     any status.
//   - The cookie of a key that the store does not have stays: Django deletes it if the
//     session has ended. A visitor with such a cookie gets a new session only once the
//     store is proven to be the site's: see Manager.AcceptEmptyStore.
//   - A session cookie that next sets itself, as a Django behind a proxy does, is
//     left alone unless the session was changed.
//   - An informational response (1xx, but for 101) saves nothing yet.
//   - A session that cannot be saved replaces the response: the ErrorHandler
//     answers, and what next writes after that is an error.
//   - Hijack saves, and can set no cookie any more.
//   - After the first byte the session takes no changes, and a first FromRequest
//     is an ErrResponseStarted.
//   - The session is saved even if the client has left or the request's deadline has
//     passed, within SaveTimeout. If an http.TimeoutHandler around Handler has answered,
//     nothing is saved.
//
// A request that never asks for its session costs no query. Middleware that
// answers in place of next while next still runs, as http.TimeoutHandler does,
// belongs around Handler, not inside.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{m: m, r: r}
		x.cookie, x.came = djcookie.Lookup(r.Header["Cookie"], m.settings().SessionCookieName)
		x.ctx = requestContext{r.Context(), x}
		x.w = responseWriter{ResponseWriter: w, x: x}
		x.keepHeader(w.Header())
		x.inner = r.WithContext(&x.ctx)
		defer x.end()
		next.ServeHTTP(&x.w, x.inner)
		x.w.begin(http.StatusOK)
	})
}

// WithSession returns a handler that loads the visitor's session and calls next with it.
// If the session cannot be loaded, or next returns an error, the ErrorHandler answers: see
// Error. What next changed before an error is saved unless the answer has a status from 500
// up, which it has by default.
//
// The handler works below Handler, and shares its session with the other handlers there. It
// also works alone: then it is its own Handler.
func (m *Manager) WithSession(next func(w http.ResponseWriter, r *http.Request, s *Session) error) http.Handler {
	below := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := FromRequest(r)
		if err == nil {
			err = next(w, r, s)
		}
		if err != nil {
			Error(w, r, err)
		}
	})
	alone := m.Handler(below)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if x, ok := exchangeOf(r); ok && x.m == m {
			below.ServeHTTP(w, r)
			return
		}
		alone.ServeHTTP(w, r)
	})
}

// FromRequest returns the visitor's session. The first call in a request loads
// it; a visitor without one gets a new one, which is stored once it holds
// something.
//
// A session that is there and cannot be had is an error, and no Session: the
// store is down, or the payload cannot be trusted (*PayloadError). Nothing is
// stored or deleted then, and the visitor keeps the cookie. Answer with Error.
func FromRequest(r *http.Request) (*Session, error) {
	x, ok := exchangeOf(r)
	if !ok {
		return nil, ErrNoManager
	}
	if x.session == nil && x.err == nil {
		if x.w.state != open {
			return nil, ErrResponseStarted
		}
		x.session, x.err = x.load(r.Context())
	}
	return x.session, x.err
}

// load loads the session that the cookie names.
func (x *exchange) load(ctx context.Context) (s *Session, err error) {
	ok := true
	x.key = x.cookie
	if unwrap := x.m.UnwrapCookie; unwrap != nil && x.cookie != "" && !x.m.keyIsSession {
		x.key, ok = unwrap(x.r, x.cookie)
		ok = ok && ValidateKey(x.key) == nil
	}
	if ok {
		s, err = x.m.load(ctx, x.key)
		if err == nil && x.m.UnwrapCookie != nil && s.cookie == cookieForeign {
			s.cookie = cookieUnknown // UnwrapCookie knows the site's keys
		}
	} else {
		s = newSession(x.m, nil)
		s.cookie, s.cookieValue = cookieForeign, x.cookie
	}
	switch {
	case err != nil:
	case s.record != nil:
		x.m.found(s.record)
	case s.cookie == cookieForeign:
		x.m.tell(ctx, Event{Kind: EventRefusal, Session: ShortKey(s.cookieValue), Err: ErrForeignCookie})
	}
	return s, err
}

// exchange is one request and its response.
type exchange struct {
	m       *Manager
	r       *http.Request // as it came to Handler
	inner   *http.Request // as the handler has it
	cookie  string        // request.COOKIES.get(SESSION_COOKIE_NAME)
	came    bool          // there is such a cookie
	key     string        // the session key that the cookie holds, once the session was asked for
	session *Session      // once it was asked for
	err     error         // why it was not to be had
	header  []headerLines // of the response, as it came to Handler
	failing bool          // the ErrorHandler is at work
	ctx     requestContext
	w       responseWriter
}

// told tells whether the Observer knows of an error.
func (x *exchange) told(err error) bool {
	if x.err != nil && errors.Is(err, x.err) {
		return true
	}
	return x.session != nil && x.session.reported != nil && errors.Is(err, x.session.reported)
}

// headerLines are the lines of one header.
type headerLines struct {
	name   string
	values []string
}

// keepHeader notes what was set around Handler, in one allocation.
func (x *exchange) keepHeader(h http.Header) {
	if len(h) == 0 {
		return
	}
	x.header = make([]headerLines, 0, len(h))
	for name, values := range h {
		x.header = append(x.header, headerLines{name, values[:len(values):len(values)]})
	}
}

// end is when the handler has returned, or panicked.
func (x *exchange) end() {
	if x.w.state == open { // it panicked: whoever recovers answers with these headers
		x.setCookieOfMoved()
	}
	x.close()
	x.r.Pattern = x.inner.Pattern // for logs around Handler
	// The server deletes the temporary files of the request that it made.
	if x.r.MultipartForm == nil {
		x.r.MultipartForm = x.inner.MultipartForm
	}
}

// close keeps the session from being changed in vain.
func (x *exchange) close() {
	if x.session != nil {
		x.session.close(ErrResponseStarted)
	}
}

// requestContext leads from a request to its exchange.
type requestContext struct {
	context.Context
	x *exchange
}

type exchangeKey struct{}

func (c *requestContext) Value(key any) any {
	if key == (exchangeKey{}) {
		return c.x
	}
	return c.Context.Value(key)
}

func exchangeOf(r *http.Request) (*exchange, bool) {
	x, ok := r.Context().Value(exchangeKey{}).(*exchange)
	return x, ok
}
