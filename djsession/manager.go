package djsession

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// Manager gives HTTP handlers the visitor's session: Django's SessionMiddleware,
// as Django 5.2 has it. Make it with NewManager, set fields if the defaults do
// not fit, and put Handler around your handlers:
//
//	manager, err := djsession.NewManager(store, settings)
//	http.ListenAndServe(addr, manager.Handler(mux))
//
// and in a handler:
//
//	sess, err := djsession.FromRequest(r)
//	if err != nil {
//		djsession.Error(w, r, err)
//		return
//	}
//	fmt.Fprintln(w, "hello", sess.GetString("name"))
//
// The fields must not change once requests are served.
type Manager struct {
	// Overwrite makes saving, and CycleKey, what they are in Django: the whole
	// session as this request has it, whatever somebody else did to it
	// meanwhile. Default: off; nobody's write is lost.
	Overwrite bool

	// ReadOnly makes every change to a session an ErrReadOnly. Nothing is
	// written to the store, and no cookie is set or deleted. Default: off.
	ReadOnly bool

	// AcceptEmptyStore has the manager trust its store from the start.
	//
	// A cookie whose session the store does not have is answered as Django
	// answers it: it is deleted, or replaced by that of a new session. With
	// the wrong store, that would log out whoever comes by. So the manager
	// does it only once the store has shown that it is the site's, by some
	// session, dead or alive, that the settings open; where sessions cannot be
	// enumerated, as in Memcached, that of a visitor. Until then such a cookie
	// is left alone, and storing a new session is an ErrUnknownStore. For a
	// new site, where Django has not stored a session yet, set this; for a
	// live one, do not. Default: off.
	AcceptEmptyStore bool

	// EmptyWhenRefused shows a visitor whose payload cannot be trusted as
	// Django does, with an empty session; changes to it are the *PayloadError
	// that FromRequest would have returned. For a site that gave up a
	// SECRET_KEY without keeping it among the fallbacks, or moved to the engine
	// signed_cookies: until they log in again at Django, visitors come with
	// what they had. Default: off; the wrong SECRET_KEY shows at once.
	EmptyWhenRefused bool

	// SaveTimeout bounds a save when the response begins, CycleKey, and the
	// look at a store that is not known yet: what goes on when the client has
	// left, as it does in Django. Default: 10 seconds.
	SaveTimeout time.Duration

	// ErrorHandler answers in place of the handler when its session cannot be
	// saved, and whenever Error is called. Default: ServeError.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	// Observer is told of every load, save, deletion, conflict and refusal.
	// It may be called by several goroutines. Default: LogEvents(nil).
	Observer func(ctx context.Context, e Event)

	store     Store
	settings  *heldSettings
	trust     trust
	deadlines deadlines
}

// NewManager returns a manager with the defaults.
func NewManager(store Store, settings *Settings) (*Manager, error) {
	if store == nil || settings == nil {
		return nil, errors.New("djsession: a manager needs a store and settings")
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	copied := *settings // what the caller changes later does not half count
	return &Manager{
		SaveTimeout:  10 * time.Second,
		ErrorHandler: ServeError,
		Observer:     LogEvents(nil),
		store:        store,
		settings:     &heldSettings{&copied},
		trust:        trust{asking: make(chan struct{}, 1)},
	}, nil
}

// ServeError is the default ErrorHandler: status 400 for a session that was
// deleted meanwhile, as Django has it for SessionInterrupted, and else 500.
func ServeError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, ErrSessionDeleted) {
		status = http.StatusBadRequest
	}
	http.Error(w, http.StatusText(status), status)
}

// Error answers a request whose session could not be had or changed, with the
// manager's ErrorHandler. What its Observer has not heard of yet, it is told. Once
// the response has begun, nothing more is written.
func Error(w http.ResponseWriter, r *http.Request, err error) {
	x, ok := exchangeOf(r)
	if !ok {
		Tell(r, Event{Kind: EventError, Err: err})
		ServeError(w, r, err)
		return
	}
	if !x.told(err) {
		e := Event{Kind: EventError, Err: err}
		if x.session != nil {
			e.Session = ShortKey(x.session.Key())
		}
		Tell(r, e)
	}
	if x.w.state == begun {
		return // there is no other answer any more
	}
	x.serveError(w, r, err)
}

// serveError has the ErrorHandler answer, or ServeError where it asks for itself.
func (x *exchange) serveError(w http.ResponseWriter, r *http.Request, err error) {
	if x.m.ErrorHandler == nil || x.failing {
		ServeError(w, r, err)
		return
	}
	x.failing = true
	defer func() { x.failing = false }()
	x.m.ErrorHandler(w, r, err)
}

// Settings returns a copy of the settings that the session is read and written by.
func (s *Session) Settings() *Settings {
	settings := *s.m.settings.Settings
	return &settings
}

// Load returns the session of a key without a request, to be saved by its Save:
// SessionStore(session_key) in Django. An empty key is a new session. A session
// that the store does not have is ErrNotFound.
func (m *Manager) Load(ctx context.Context, key string) (*Session, error) {
	if key == "" {
		return newSession(m, nil), nil
	}
	s, err := m.load(ctx, key)
	if err == nil && s.refused {
		return nil, s.closed
	}
	if err == nil && s.record == nil {
		return nil, fmt.Errorf("load %s: %w", ShortKey(key), ErrNotFound)
	}
	return s, err
}

// load returns the session of a key that came with a request: a new one when the
// store says that it has none of this key.
func (m *Manager) load(ctx context.Context, key string) (*Session, error) {
	if !usableKey(key) {
		return newSession(m, nil), nil
	}
	o := m.observe(ctx, EventLoad)
	record, err := m.store.Load(ctx, key)
	switch {
	case err == nil:
		if !m.trust.known.Load() && !m.storedInDoubt(key) {
			m.trust.known.Store(true)
		}
		o.done(key, nil)
		return newSession(m, record), nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalidKey):
		o.done(key, err)
		s := newSession(m, nil)
		s.unknown = key
		if errors.Is(err, ErrSignatureExpired) {
			m.trust.known.Store(true) // it was signed with our key
			s.outlived = true
		}
		return s, nil
	}
	var payload *PayloadError
	if errors.As(err, &payload) {
		o.kind = EventRefusal
	}
	o.done(key, err)
	if payload != nil && m.EmptyWhenRefused {
		s := newSession(m, nil)
		s.closed, s.refused = err, true
		return s, nil
	}
	return nil, err
}

// usableKey tells whether Django takes a cookie's value for a key at all.
func usableKey(key string) bool {
	return len(key) >= minKeyLength && utf8.RuneCountInString(key) >= minKeyLength
}

// writer is what a session is saved with.
func (m *Manager) writer(op string, o *observation) *writer {
	return &writer{store: m.store, op: op, overwrite: m.Overwrite, conflict: o.lost}
}
