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
	// a payload that cannot be trusted, or a cookie that holds no session key.
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
// warnings, the rest for debugging. Any visitor can cause refusals, so those of one
// kind are logged at most once in ten seconds, with the number since the last line.
// Characters that are not printable are escaped, since an error may quote what a visitor
// or a server sent. A nil logger is slog.Default, as it is when something happens.
func LogEvents(logger *slog.Logger) func(ctx context.Context, e Event) {
	var refusals eventlimit.Limit[error]
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
		if kind := refusalKind(e.Err); kind != nil && e.Kind == EventRefusal {
			if count = refusals.Count(kind, time.Now()); count == 0 {
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
	ErrForeignCookie, ErrUnknownStore, ErrUnknownKey, ErrSignatureExpired, ErrBadSignature, ErrTooLarge, ErrMalformed,
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

// conflict reports that an attempt failed because of a concurrent write.
func (o *observation) conflict(key string) {
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
