package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9/logging"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/printable"
)

// Exit statuses.
const (
	done      = 0
	failed    = 1
	misused   = 2
	notFound  = 3
	untrusted = 4
)

// configError is a configuration that is wrong or incomplete.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

func configf(format string, args ...any) error {
	return &configError{fmt.Errorf(format, args...)}
}

// hinted is an error with its own hint, which replaces that of explainKind.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// reported is the exit status for errors that have already been printed.
type reported struct{ status int }

func (e reported) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// report prints an error and what to do about it, and returns the exit status.
func (a *app) report(err error) int {
	status, hint := explain(err)
	var already reported
	switch {
	case err == nil, errors.As(err, &already), errors.Is(err, errReaderGone):
		return status
	}
	a.complain("%s", message(err))
	hintOfStore := storeHint(err)
	a.advise(hintOfStore)
	if hint == "" && hintOfStore == "" && status == failed && a.storeNamedBy != "" {
		hint = fromPlace(a.storeNamedBy)
	}
	a.advise(hint)
	if errors.Is(err, djsession.ErrBadSignature) {
		a.advise(a.keyHint)
	}
	return status
}

// advise prints a hint on a line of stderr.
func (a *app) advise(hint string) {
	if hint != "" {
		fmt.Fprintf(a.stderr, "%s\n", printable.Text(hint))
	}
}

// hints collects the hints of many errors, and prints each of them once.
type hints struct {
	app   *app
	texts []string
}

func (h *hints) add(err error) {
	_, hint := explain(err)
	h.addText(hint)
	if errors.Is(err, djsession.ErrBadSignature) {
		h.addText(h.app.keyHint)
	}
}

func (h *hints) addText(hint string) {
	if hint != "" && !slices.Contains(h.texts, hint) {
		h.texts = append(h.texts, hint)
	}
}

func (h *hints) print() {
	for _, hint := range h.texts {
		h.app.advise(hint)
	}
}

// complain prints a message on stderr.
func (a *app) complain(format string, args ...any) {
	fmt.Fprintf(a.stderr, "djsess: %s\n", printable.Text(fmt.Sprintf(format, args...)))
}

// message returns an error's text for people. It prints an OpError by its fields, without the
// store's package, and without the hint, which has a line of its own.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := err.Error()
	if op := (*djsession.OpError)(nil); errors.As(err, &op) {
		text = strings.Replace(text, op.Error(), operation(op), 1)
	}
	// Other errors, such as those of the settings, begin with the name of package djsession.
	return strings.NewReplacer("djsession: ", "", "ops: ", "").Replace(text)
}

// operation returns the operation, the key and the cause of an OpError.
func operation(op *djsession.OpError) string {
	cause := message(op.Err)
	if inner := (*djsession.OpError)(nil); errors.As(op.Err, &inner) && inner.Op == op.Op && inner.Key == op.Key {
		return cause // a store over a cache or a database: the cause names the operation
	}
	if op.Key == "" {
		return op.Op + ": " + cause
	}
	return op.Op + " " + op.Key + ": " + cause
}

// storeHint returns the first hint of an OpError in an error, or "".
func storeHint(err error) string {
	for op := (*djsession.OpError)(nil); errors.As(err, &op); err = op.Err {
		if op.Hint != "" {
			return op.Hint
		}
	}
	return ""
}

// reason returns the short reason why a payload or a line is bad.
func reason(err error) string {
	if payload := (*djsession.PayloadError)(nil); errors.As(err, &payload) {
		err = payload.Err
	}
	return message(err)
}

// explain returns the exit status for an error and a hint, which is a remedy. Only explain
// decides what an error means.
func explain(err error) (status int, hint string) {
	status, hint = explainKind(err)
	if h := (*hinted)(nil); errors.As(err, &h) {
		hint = h.hint
	}
	return status, hint
}

func explainKind(err error) (status int, hint string) {
	var (
		already reported
		usage   *usageError
		config  *configError
		payload *djsession.PayloadError
		lost    *ops.LostValueError
	)
	switch {
	case err == nil, errors.Is(err, errReaderGone):
		return done, ""
	case errors.As(err, &already):
		return already.status, ""
	case errors.As(err, &usage):
		return misused, fmt.Sprintf("see %q", usage.command+" --help")
	case errors.As(err, &config):
		return misused, ""
	case errors.As(err, &lost):
		return failed, "--on-loss skip leaves such values out, and --on-loss keep-opaque keeps their pickles as text"
	case errors.Is(err, ops.ErrUnknownForm):
		return misused, "after the first visits to the new site there is one; if the site is stopped, or has had no visitors, use --accept-new-form"
	case errors.Is(err, ops.ErrSiteCannotRead):
		return misused, `the site's settings file says what the site runs: after a change of the site, write it again with "djsess settings"`
	case errors.Is(err, ops.ErrNoFallbacks):
		return misused, "put the site's SECRET_KEY first and the older keys after it"
	case errors.Is(err, ops.ErrSameStore), errors.Is(err, ops.ErrJournal):
		return misused, ""
	case errors.Is(err, ops.ErrEvicts):
		return failed, "a session that it drops is a user who is logged out: raise the limit, or use --force"
	case errors.Is(err, ops.ErrEndsTooEarly):
		return misused, "nothing was removed: set them as on the site; or --older-than 2d removes what has expired in every time zone"
	case errors.Is(err, ops.ErrNoExport):
		return misused, "nothing was written: djsess export makes one"
	case errors.Is(err, ops.ErrExportVersion):
		return failed, "nothing was written: a newer djsess reads it"
	case errors.Is(err, ops.ErrExportTruncated), errors.Is(err, ops.ErrExportEdited):
		return untrusted, "nothing was written: make the export again, or copy it again"
	case errors.As(err, &payload):
		return untrusted, payloadHint(payload)
	case errors.Is(err, djsession.ErrInvalidKey):
		return misused, "a session key is what the cookie sessionid holds: 32 letters and digits"
	case errors.Is(err, djsession.ErrNotFound), errors.Is(err, djauth.ErrNoUser):
		return notFound, ""
	case errors.Is(err, djsession.ErrOpaque):
		return failed, "nothing was written: this session holds a value that only Python can read"
	case errors.Is(err, errors.ErrUnsupported):
		return failed, "name sessions by their whole keys"
	case errors.Is(err, djsession.ErrReadOnly):
		return failed, "the store, or the way it was opened, allows no writes"
	case errors.Is(err, djsession.ErrBusy):
		return failed, "another connection holds a lock: try again, or wait longer (for SQLite by ?timeout=SECONDS)"
	case errors.Is(err, dbstore.ErrNoTable):
		return failed, "a table of another name goes into the store's URL as ?table=NAME"
	case errors.Is(err, rediscache.ErrPassword):
		return failed, "the password goes into the URL, redis://:password@host/0, or comes from a file or a program that password_file or password_command names in " + configName
	case errors.Is(err, djsession.ErrInvalidExpiry):
		return failed, `nothing was written: Django could not save this session either; set its value "_session_expiry" to seconds, or unset it`
	case errors.Is(err, djsession.ErrUnknownKey):
		return misused, "put the site's SECRET_KEY first and older keys after it; if the site has just changed its SECRET_KEY, use --accept-new-key"
	case errors.Is(err, djsession.ErrOutcomeUnknown):
		return failed, "the connection broke before the server answered: see by djsess get whether the session was changed, and then try again"
	case errors.Is(err, djsession.ErrConflict):
		return failed, "nothing was written: another writer keeps changing this session; try again"
	}
	return failed, ""
}

// warnings is a slog.Handler that prints the stores' warnings and errors as messages of the
// command.
type warnings struct {
	app   *app
	attrs []slog.Attr
}

// showWarnings prints the stores' warnings. The Redis client's own log is switched off.
func (a *app) showWarnings() {
	slog.SetDefault(slog.New(&warnings{app: a}))
	logging.Disable()
}

func (w *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (w *warnings) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(attr slog.Attr) bool {
		b.WriteString(", " + attr.Key + " " + attr.Value.String())
		return true
	}
	for _, attr := range w.attrs {
		add(attr)
	}
	r.Attrs(add)
	w.app.complain("warning: %s", oneLine(b.String()))
	return nil
}

func (w *warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &warnings{w.app, append(w.attrs[:len(w.attrs):len(w.attrs)], attrs...)}
}

// WithGroup does nothing: the names are clear without the group.
func (w *warnings) WithGroup(string) slog.Handler { return w }
