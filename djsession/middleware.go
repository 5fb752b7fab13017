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
//   - The session is saved, its cookie is set or deleted, and Vary: Cookie is sent as in
//     Django 5.2. Nothing is saved after a panic, or for a status of 500 or more.
//     But the cookie of a session with a new key (CycleKey) is sent with any status.
//   - The cookie of a key that the store does not have stays: Django deletes it if the
//     session has ended. A visitor with such a cookie gets a new session only once the
//     store is proven to be the site's: see Manager.AcceptEmptyStore.
//   - A session cookie that next sets itself, as a Django behind a proxy does, is
//     left alone unless the session was changed.
//   - An informational response (1xx except 101) saves nothing yet.
//   - If the session cannot be saved, the ErrorHandler answers in place of next. Later
//     writes of next return an error.
//   - Hijack saves the session. It can set no cookie.
//   - After the first byte the session takes no changes, and a first FromRequest
//     is an ErrResponseStarted.
//   - The session is saved even if the client has left or the request's deadline has
//     passed, within SaveTimeout. If an http.TimeoutHandler around Handler has answered,
//     nothing is saved.
//
// A request that never asks for its session costs no query. Middleware that may answer while
// next still runs, such as http.TimeoutHandler, belongs around Handler and not inside.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{m: m, r: r}
		x.cookie, x.hasCookie = djcookie.Lookup(r.Header["Cookie"], m.settings().SessionCookieName)
		m.noteCookies(r, x.hasCookie)
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
// Error. Changes that next made before an error are saved only if that answer has a status
// below 500, which is not the default.
//
// The first byte of the response saves the session, so next changes the session before it
// writes the response.
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

// FromRequest returns the visitor's session. The first call in a request loads it. A visitor
// without a session gets a new one, which is stored once it has a value.
//
// If a session exists but cannot be loaded, FromRequest returns an error: the store is down,
// or the payload cannot be trusted (*PayloadError). Then nothing is stored or deleted, and
// the visitor keeps the cookie. Answer with Error.
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
	if unwrap := x.m.UnwrapCookie; unwrap != nil && x.cookie != "" && !x.m.selfContained {
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
		x.m.noteFound(s.record)
	case s.cookie == cookieForeign:
		x.m.report(ctx, Event{Kind: EventRefusal, Session: ShortKey(s.cookieValue), Err: ErrForeignCookie})
	}
	return s, err
}

// ServeError is the default ErrorHandler. It answers 400 if the session was deleted in
// between, as Django does for SessionInterrupted, and otherwise 500.
func ServeError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, ErrSessionDeleted) {
		status = http.StatusBadRequest
	}
	http.Error(w, http.StatusText(status), status)
}

// Error answers a request with an error: its session could not be loaded or changed, or the
// handler failed. The manager's ErrorHandler answers, and its Observer is told of an error
// that it does not know yet. Once the response has begun, nothing is written.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	x, ok := exchangeOf(r)
	if !ok {
		Report(r, Event{Kind: EventError, Err: err})
		ServeError(w, r, err)
		return
	}
	if !x.isReported(err) {
		e := Event{Kind: EventError, Err: err}
		if x.session != nil {
			e.Session = ShortKey(x.session.Key())
		}
		Report(r, e)
	}
	if x.w.state == begun {
		return // too late for another response
	}
	x.serveError(w, r, err)
}

// serveError calls the ErrorHandler. If the ErrorHandler itself fails, ServeError answers.
func (x *exchange) serveError(w http.ResponseWriter, r *http.Request, err error) {
	if x.m.ErrorHandler == nil || x.failing {
		ServeError(w, r, err)
		return
	}
	x.failing = true
	defer func() { x.failing = false }()
	x.m.ErrorHandler(w, r, err)
}

// exchange is one request and its response.
type exchange struct {
	m           *Manager
	r           *http.Request // as it came to Handler
	inner       *http.Request // as the handler has it
	cookie      string        // request.COOKIES.get(SESSION_COOKIE_NAME)
	hasCookie   bool          // the request has such a cookie
	key         string        // the session key in the cookie, once the session was asked for
	session     *Session      // once it was asked for
	err         error         // why it could not be loaded
	outerHeader []headerLines // of the response, as set before Handler
	failing     bool          // the ErrorHandler is running
	ctx         requestContext
	w           responseWriter
}

// isReported reports whether the Observer was told of an error.
func (x *exchange) isReported(err error) bool {
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

// keepHeader keeps the headers that were set before Handler, in one allocation.
func (x *exchange) keepHeader(h http.Header) {
	if len(h) == 0 {
		return
	}
	x.outerHeader = make([]headerLines, 0, len(h))
	for name, values := range h {
		x.outerHeader = append(x.outerHeader, headerLines{name, values[:len(values):len(values)]})
	}
}

// end is called when the handler has returned or panicked.
func (x *exchange) end() {
	if x.w.state == open { // it panicked: the code that recovers answers with these headers
		x.replaceStaleCookie()
	}
	x.close()
	x.r.Pattern = x.inner.Pattern // for logs around Handler
	// The server deletes the temporary files of the request that it made.
	if x.r.MultipartForm == nil {
		x.r.MultipartForm = x.inner.MultipartForm
	}
}

// close makes further changes of the session errors, because they would not be saved.
func (x *exchange) close() {
	if x.session != nil {
		x.session.close(ErrResponseStarted)
	}
}

// requestContext is the context of a request, from which exchangeOf finds its exchange.
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
