package djsession

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// Manager gives HTTP handlers the visitor's session: it is Django's SessionMiddleware, as in
// Django 5.2. Make it with NewManager, set the fields whose defaults do not fit, and put
// Handler around your handlers:
//
//	manager, err := djsession.NewManager(store)
//	mux.Handle("GET /hello", manager.WithSession(hello))
//	http.ListenAndServe(addr, manager.Handler(mux))
//
//	func hello(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
//		fmt.Fprintln(w, "hello", s.GetString("name"))
//		return nil
//	}
//
// The fields must not change once requests are served.
type Manager struct {
	// Overwrite makes saves and CycleKey work as in Django: they store the whole session
	// as this request has it, and concurrent writes are lost. Default: off; no write is
	// lost.
	Overwrite bool

	// ReadOnly makes every change to a session an ErrReadOnly. Nothing is
	// written to the store, and no cookie is set or deleted. Default: off.
	ReadOnly bool

	// AcceptEmptyStore makes the manager trust its store from the start.
	//
	// In a store that is not the site's no visitor's session is found, and a new
	// session would replace the visitor's cookie and so log the visitor out of the
	// site. So a manager stores a new session only in a store that is proven: a live
	// session in it verifies under SECRET_KEY, or a visitor's own session was found in
	// it. A request that needs a new session earlier than that gets an
	// ErrUnknownStore. For a new site, where Django has not stored a session yet, set
	// this; for a live one, do not. Default: off.
	AcceptEmptyStore bool

	// UnwrapCookie and WrapCookie are for a site whose middleware does not send the
	// bare session key in the cookie. UnwrapCookie returns the session key in a
	// cookie's value, and ok is false for a value that holds none; it must verify a
	// signature in the value. WrapCookie returns the value for a key and for the
	// session's values. Set both or neither. The engine signed_cookies does not use
	// them. Default: nil; the value is the key.
	//
	// If ok is false, the visitor's session is empty, the cookie stays, and storing a
	// session is an ErrForeignCookie. The same goes for a key that the store does not
	// have and that Django cannot have made: a key of 8 characters or more that has more
	// than 40 characters, or other characters than a-z and 0-9.
	UnwrapCookie func(r *http.Request, value string) (key string, ok bool)
	WrapCookie   func(key string, values *Values) (value string, err error)

	// EmptyWhenRefused gives a visitor whose payload cannot be trusted an empty session,
	// as Django does. Changes to that session return the *PayloadError that FromRequest
	// would have returned. Set it for a site that changed its SECRET_KEY without keeping
	// the old one among the fallbacks, or that moved to the engine signed_cookies: until
	// they log in again at Django, visitors come with their old cookies. Default: off; a
	// wrong SECRET_KEY shows at once.
	EmptyWhenRefused bool

	// SaveTimeout limits a save when the response begins, CycleKey, and the search for
	// evidence in an unproven store. They continue if the client has left or the request's
	// deadline has passed, as in Django. Default: 10 seconds.
	SaveTimeout time.Duration

	// ErrorHandler answers in place of the handler when its session cannot be
	// saved, and whenever Error is called. Default: ServeError.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Observer is told of every load, save, deletion, conflict and refusal.
	// It may be called by several goroutines. Default: LogEvents(nil).
	Observer func(ctx context.Context, e Event)

	store         Store
	settings      func() *Settings // fmt prints no secrets of a func
	selfContained bool             // the store is SelfContained
	sharded       Sharded          // the store, if it is on several servers
	unsigned      bool             // the store is an UnsignedStore
	hasFallbacks  bool             // there are SECRET_KEY_FALLBACKS
	evidence      evidence
	cookieNames   cookieNames
	deadlines     deadlines
}

// NewManager returns a manager with the defaults. It has the store's settings.
func NewManager(store Store) (*Manager, error) {
	if store == nil {
		return nil, errors.New("djsession: a manager needs a store")
	}
	settings := store.Settings()
	if settings == nil {
		return nil, errors.New("djsession: the store has no settings")
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	m := &Manager{
		SaveTimeout:  10 * time.Second,
		ErrorHandler: ServeError,
		Observer:     LogEvents(nil),
		store:        store,
		settings:     func() *Settings { return settings },
		hasFallbacks: len(settings.SecretKeyFallbacks) > 0,
		evidence:     evidence{sampling: make(chan struct{}, 1)},
	}
	if s, ok := store.(SelfContained); ok {
		m.selfContained = s.KeyIsSession()
	}
	if s, ok := store.(UnsignedStore); ok {
		m.unsigned = s.IsUnsigned()
	}
	if s, ok := store.(Sharded); ok && s.Shards() > 1 {
		m.sharded = s
	}
	return m, nil
}

// Store returns the store that the manager was made with. It is for packages such as djauth.
func (m *Manager) Store() Store { return m.store }

// Load returns the session of a key outside of a request: Django's SessionStore(session_key).
// Its Save saves it. With an empty key it returns a new session. A session that the store
// does not have is ErrNotFound.
func (m *Manager) Load(ctx context.Context, key string) (*Session, error) {
	if key == "" {
		return newSession(m, nil), nil
	}
	s, err := m.load(ctx, key)
	if err == nil && s.closed != nil {
		return nil, s.closed
	}
	if err == nil && s.record == nil {
		return nil, fmt.Errorf("load %s: %w", ShortKey(key), ErrNotFound)
	}
	if err == nil {
		m.evidence.seen.note(s.record.Origin)
	}
	return s, err
}

// load returns the session of a key that came with a request. If the store does not have
// it, load returns a new session.
func (m *Manager) load(ctx context.Context, key string) (*Session, error) {
	if !usableKey(key) {
		return newSession(m, nil), nil
	}
	o := m.observe(ctx, EventLoad)
	record, err := m.store.Load(ctx, key)
	var payload *PayloadError
	switch {
	case err == nil:
		o.done(key, nil)
		return newSession(m, record), nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalidKey):
		o.done(key, err)
		s := unknownSession(m, key)
		if m.sharded != nil && s.cookie == cookieUnknown {
			m.noteNotFound(ctx, key)
		}
		return s, nil
	case errors.As(err, &payload):
		o.kind = EventRefusal
	}
	o.done(key, err)
	switch {
	case payload == nil:
	case m.selfContained && errors.Is(err, ErrBadSignature) && (m.AcceptEmptyStore || m.evidence.storeProven.Load()):
		return unknownSession(m, key), nil // other cookies verify, so SECRET_KEY is the site's
	case m.EmptyWhenRefused:
		s := newSession(m, nil)
		s.closed = err
		return s, nil
	}
	return nil, err
}

// unknownSession returns a new session for a key that the store does not have.
func unknownSession(m *Manager, key string) *Session {
	s := newSession(m, nil)
	s.cookie, s.cookieValue = cookieUnknown, key
	if !m.selfContained && !couldBeKey(key) {
		s.cookie = cookieForeign
	}
	return s
}

// usableKey reports whether Django looks up a cookie's value at all.
func usableKey(key string) bool {
	return len(key) >= minKeyLength && utf8.RuneCountInString(key) >= minKeyLength
}

// writer returns a writer that saves sessions of this manager.
func (m *Manager) writer(op string, o *observation) *writer {
	return &writer{store: m.store, op: op, overwrite: m.Overwrite, onConflict: o.conflict, check: m.checkCookie}
}

// newKey returns a key for a new session, or "" to let the store choose one.
func (m *Manager) newKey() string {
	switch {
	case m.sharded != nil && !m.AcceptEmptyStore:
	case m.WrapCookie != nil && !m.selfContained:
		return NewKey() // WrapCookie needs the key before anything is stored
	default:
		return ""
	}
	// Choose a server that is proven. A new session on another server would become its proof.
	for {
		key := NewKey()
		if m.evidence.shards.isProven(m.sharded.Shard(key)) {
			return key
		}
	}
}
