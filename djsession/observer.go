package djsession

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/djsess/djsess/internal/eventlimit"
	"github.com/djsess/djsess/internal/printable"
)

// EventKind says what happened to a session.
type EventKind string

const (
	// EventLoad: a session was loaded, or could not be loaded because of Err. For a key
	// that the store does not have, Err is an ErrNotFound.
	EventLoad EventKind = "load"
	// EventSave: a session was saved, stored for the first time, or stored under a new
	// key; or that failed because of Err.
	EventSave EventKind = "save"
	// EventDelete: a session was deleted, or could not be deleted because of Err. If Err is an
	// ErrEmptied, the session has ended, and Err says why its row stays.
	EventDelete EventKind = "delete"
	// EventConflict: another writer changed the session. The changes are about to be
	// re-applied.
	EventConflict EventKind = "conflict"
	// EventRefusal: something was left undone that Django would have done. A payload cannot be
	// trusted, a cookie holds no session key or may not be deleted yet, a hijacked connection
	// takes no cookie; or djauth takes a visitor for anonymous, or refuses a host.
	EventRefusal EventKind = "refusal"
	// EventCheck: Manager.Check, Check of djauth, or the requests so far show something
	// suspicious that is not an error.
	EventCheck EventKind = "check"
	// EventError: Error answered a request. Err is not from the store, but from djauth or a
	// handler.
	EventError EventKind = "error"
)

// Event is passed to a Manager's Observer, for logs and metrics.
type Event struct {
	Kind EventKind
	// Session is the first 6 characters of the session key, if there is one.
	Session string
	// Took is how long the store took, for all attempts of a save together. It is zero if
	// the store was not asked.
	Took time.Duration
	// Conflicts is how many attempts have failed so far because of concurrent writes.
	Conflicts int
	// Check names the check that an EventCheck comes from, such as KeyCheck. It is empty if there
	// is none.
	Check string
	// Err is the reason of a failure or a refusal.
	Err error
}

// LogEvents returns an Observer that logs failures as errors, refusals and rows that stay
// (ErrEmptied) as warnings and everything else for debugging. Any visitor can cause these
// warnings. So those of one kind are logged at most once in ten seconds, with their number since the last line. Characters that
// are not printable are escaped, because an error may quote a visitor or a server. A nil
// logger is slog.Default at the time of the event.
func LogEvents(logger *slog.Logger) func(ctx context.Context, e Event) {
	var warnings eventlimit.Limit[error]
	return func(ctx context.Context, e Event) {
		l := logger
		if l == nil {
			l = slog.Default()
		}
		level := e.level()
		if !l.Enabled(ctx, level) {
			return
		}
		count := 1
		if kind := e.limitedKind(); kind != nil {
			if count = warnings.Count(kind, time.Now()); count == 0 {
				return
			}
		}
		attrs := make([]slog.Attr, 0, 5)
		if e.Session != "" {
			attrs = append(attrs, slog.String("session", e.Session))
		}
		if e.Took > 0 {
			attrs = append(attrs, slog.Duration("took", e.Took))
		}
		if e.Conflicts > 0 {
			attrs = append(attrs, slog.Int("conflicts", e.Conflicts))
		}
		if count > 1 {
			attrs = append(attrs, slog.Int("count", count))
		}
		if e.Err != nil {
			attrs = append(attrs, slog.String("error", printable.Line(e.Err.Error())))
		}
		l.LogAttrs(ctx, level, "session "+string(e.Kind), attrs...)
	}
}

// refusalKinds are the kinds of refusals. An error that wraps several is of the first.
var refusalKinds = []error{
	ErrForeignCookie, ErrUnknownStore, ErrUnknownKey, ErrSignatureExpired, ErrBadSignature, ErrTooLarge, ErrMalformed, errHijacked,
}

// refusalKind returns the kind of a refusal, or nil for an error of another package, which
// limits its refusals itself.
func refusalKind(err error) error {
	for _, kind := range refusalKinds {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// limitedKind returns the kind of a warning that any visitor can cause, or nil.
func (e *Event) limitedKind() error {
	switch {
	case errors.Is(e.Err, ErrEmptied):
		return ErrEmptied
	case e.Kind == EventRefusal:
		return refusalKind(e.Err)
	}
	return nil
}

func (e *Event) level() slog.Level {
	switch {
	case e.Kind == EventRefusal, e.Kind == EventCheck, errors.Is(e.Err, ErrEmptied):
		return slog.LevelWarn
	case e.Err == nil,
		e.Kind == EventLoad && (errors.Is(e.Err, ErrNotFound) || errors.Is(e.Err, ErrInvalidKey)): // any visitor can send such a key
		return slog.LevelDebug
	case errors.Is(e.Err, context.Canceled), errors.Is(e.Err, ErrSessionDeleted):
		return slog.LevelInfo // the client left, or logged out in another request
	}
	return slog.LevelError
}

// observation is an operation of which the Observer will be told.
type observation struct {
	m         *Manager
	ctx       context.Context
	kind      EventKind
	start     time.Time
	conflicts int
}

func (m *Manager) observe(ctx context.Context, kind EventKind) *observation {
	return &observation{m: m, ctx: ctx, kind: kind, start: time.Now()}
}

// done reports how the operation ended. The key is the session's key now.
func (o *observation) done(key string, err error) error {
	o.m.report(o.ctx, Event{Kind: o.kind, Session: ShortKey(key), Took: time.Since(o.start), Conflicts: o.conflicts, Err: err})
	return err
}

// conflict reports that an attempt failed because of a concurrent write.
func (o *observation) conflict(key string) {
	o.conflicts++
	o.m.report(o.ctx, Event{Kind: EventConflict, Session: ShortKey(key), Took: time.Since(o.start), Conflicts: o.conflicts})
}

// Report passes an event to the Observer of the request's manager, or logs it if the request
// has no manager. It is for packages such as djauth.
func Report(r *http.Request, e Event) {
	if x, ok := exchangeOf(r); ok {
		x.m.report(r.Context(), e)
		return
	}
	LogEvents(nil)(r.Context(), e)
}

func (m *Manager) report(ctx context.Context, e Event) {
	if m.Observer != nil {
		m.Observer(ctx, e)
	}
}
