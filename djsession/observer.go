package djsession

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/djsess/djsess/internal/printable"
)

// EventKind is what happened to a session.
type EventKind string

const (
	// EventLoad: a session was loaded, or not, for Err. A key that the store
	// does not know is an ErrNotFound.
	EventLoad EventKind = "load"
	// EventSave: a session was saved, stored for the first time, or moved to
	// another key; or not, for Err.
	EventSave EventKind = "save"
	// EventDelete: a session was deleted, or not, for Err.
	EventDelete EventKind = "delete"
	// EventConflict: somebody else wrote the session meanwhile; the changes
	// are about to be made again.
	EventConflict EventKind = "conflict"
	// EventRefusal: something was left alone that Django would have replaced:
	// a payload that cannot be trusted, or the cookie of a session that the
	// store does not know.
	EventRefusal EventKind = "refusal"
	// EventCheck: Manager.Check noticed something that is odd, and no error.
	EventCheck EventKind = "check"
	// EventError: a request was answered by Error, for an Err that is none of
	// the store's, or from djauth.
	EventError EventKind = "error"
)

// Event is what a Manager's Observer is told, for logs and metrics.
type Event struct {
	Kind EventKind
	// Session is the first 6 characters of the session key, if there is one.
	Session string
	// Took is how long the store took; all attempts of a save together. Zero
	// where none was asked.
	Took time.Duration
	// Conflicts is how many attempts were lost so far to somebody else's.
	Conflicts int
	// Err is why it failed, or was refused.
	Err error
}

// LogEvents returns an Observer that logs: failures as errors, refusals as
// warnings, the rest for debugging. An error may quote what a visitor or a server sent:
// what is not simply shown is escaped. A nil logger is slog.Default, as it is when
// something happens.
func LogEvents(logger *slog.Logger) func(ctx context.Context, e Event) {
	return func(ctx context.Context, e Event) {
		l := logger
		if l == nil {
			l = slog.Default()
		}
		level := e.level()
		if !l.Enabled(ctx, level) {
			return
		}
		attrs := make([]slog.Attr, 0, 4)
		if e.Session != "" {
			attrs = append(attrs, slog.String("session", e.Session))
		}
		if e.Took > 0 {
			attrs = append(attrs, slog.Duration("took", e.Took))
		}
		if e.Conflicts > 0 {
			attrs = append(attrs, slog.Int("conflicts", e.Conflicts))
		}
		if e.Err != nil {
			attrs = append(attrs, slog.String("error", printable.Line(e.Err.Error())))
		}
		l.LogAttrs(ctx, level, "session "+string(e.Kind), attrs...)
	}
}

func (e *Event) level() slog.Level {
	switch {
	case e.Kind == EventRefusal, e.Kind == EventCheck:
		return slog.LevelWarn
	case e.Err == nil,
		e.Kind == EventLoad && (errors.Is(e.Err, ErrNotFound) || errors.Is(e.Err, ErrInvalidKey)): // what any visitor can bring
		return slog.LevelDebug
	case errors.Is(e.Err, context.Canceled), errors.Is(e.Err, ErrSessionDeleted):
		return slog.LevelInfo // a client that left, a logout meanwhile
	}
	return slog.LevelError
}

// observation is something under way of which the Observer will be told.
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

// done tells how it ended. The key is the one the session has now.
func (o *observation) done(key string, err error) error {
	o.m.tell(o.ctx, Event{Kind: o.kind, Session: ShortKey(key), Took: time.Since(o.start), Conflicts: o.conflicts, Err: err})
	return err
}

// lost is told of an attempt that somebody else won.
func (o *observation) lost(key string) {
	o.conflicts++
	o.m.tell(o.ctx, Event{Kind: EventConflict, Session: ShortKey(key), Took: time.Since(o.start), Conflicts: o.conflicts})
}

// Tell tells the Observer of the manager that a request came through, or without one
// the default. It is for packages such as djauth.
func Tell(r *http.Request, e Event) {
	if x, ok := exchangeOf(r); ok {
		x.m.tell(r.Context(), e)
		return
	}
	LogEvents(nil)(r.Context(), e)
}

func (m *Manager) tell(ctx context.Context, e Event) {
	if m.Observer != nil {
		m.Observer(ctx, e)
	}
}
