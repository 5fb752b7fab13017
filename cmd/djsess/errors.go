package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9/logging"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/printable"
	"github.com/djsess/djsess/internal/swapfile"
)

// Exit statuses.
const (
	done      = 0
	failed    = 1
	misused   = 2
	notFound  = 3
	untrusted = 4
)

// configError is a configuration that makes no sense, or lacks something.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

func configf(format string, args ...any) error {
	return &configError{fmt.Errorf(format, args...)}
}

// hinted is an error with advice of its own.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }

// reported is an exit status whose reasons have been printed.
type reported struct{ status int }

func (e reported) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// report prints what went wrong, and what to do about it, and returns the exit
// status.
func (a *app) report(err error) int {
	status, hint := explain(err)
	var already reported
	switch {
	case err == nil, errors.As(err, &already), errors.Is(err, errReaderGone):
		return status
	}
	a.complain("%s", message(err))
	if hint == "" && status == failed && a.storeNamedBy != "" {
		hint = fromPlace(a.storeNamedBy)
	}
	a.advise(hint)
	if errors.Is(err, djsession.ErrBadSignature) {
		a.advise(a.oddSecret)
	}
	return status
}

// advise prints what to do about a message, on stderr.
func (a *app) advise(hint string) {
	if hint != "" {
		fmt.Fprintf(a.stderr, "%s\n", printable.Text(hint))
	}
}

// complain prints a message on stderr.
func (a *app) complain(format string, args ...any) {
	fmt.Fprintf(a.stderr, "djsess: %s\n", printable.Text(fmt.Sprintf(format, args...)))
}

// message is an error's text for people: without the names of packages.
func message(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := err.Error()
	for _, name := range []string{"dbstore: ", "filestore: ", "cachestore: ", "rediscache: ", "memcache: ", "dbcache: ", "filecache: ",
		"djsession: ", "pyjson: ", "signing: "} {
		text = strings.ReplaceAll(text, name, "")
	}
	// A store over a cache says the same as the cache: "scan: scan: ".
	return strings.Join(slices.Compact(strings.Split(text, ": ")), ": ")
}

// reason is why a payload or a line is bad, in short.
func reason(err error) string {
	if payload := (*djsession.PayloadError)(nil); errors.As(err, &payload) {
		err = payload.Err
	}
	return message(err)
}

// explain is the one place that knows what an error means: the exit status, and
// what to do about it.
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
	case errors.As(err, &payload):
		return untrusted, payloadHint(payload)
	case errors.Is(err, djsession.ErrInvalidKey):
		return misused, "a session key is what the cookie sessionid holds: 32 letters and digits"
	case errors.Is(err, djsession.ErrNotFound):
		return notFound, ""
	case errors.Is(err, djsession.ErrOpaque):
		return failed, "nothing was written: what only Python can make sense of stays as it is"
	case errors.Is(err, errors.ErrUnsupported):
		return failed, "ask for sessions by their whole keys"
	case errors.Is(err, djsession.ErrReadOnly):
		return failed, "the store only takes reads, or is opened for no more"
	case errors.Is(err, djsession.ErrBusy):
		return failed, "somebody else holds a lock: try again, or wait longer (for SQLite by ?timeout=SECONDS)"
	case errors.Is(err, dbstore.ErrNoTable):
		return failed, `is this the site's database? "manage.py migrate" makes the table; one of another name goes into the store's URL as ?table=NAME`
	case errors.Is(err, dbcache.ErrNoTable):
		return failed, `"manage.py createcachetable" makes it: is this the site's database, and ?table= the LOCATION of its cache?`
	case errors.Is(err, rediscache.ErrPassword):
		return failed, "the password goes into the URL, redis://:password@host/0, or into a file that password_file names in " + configName
	case errors.Is(err, djsession.ErrInvalidExpiry):
		return failed, `nothing was written: Django could not save this session either; set its value "_session_expiry" to seconds, or unset it`
	case errors.Is(err, djsession.ErrUnknownKey):
		return misused, "put the site's SECRET_KEY first and older keys after it; if the site has just changed its SECRET_KEY, use --accept-new-key"
	case errors.Is(err, djsession.ErrOutcomeUnknown):
		return failed, "the connection broke before the server answered: look at the session before you try again"
	case errors.Is(err, djsession.ErrConflict):
		return failed, "nothing was written: somebody else goes on writing this session; try again"
	}
	return failed, ""
}

func payloadHint(err *djsession.PayloadError) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "this file is not ours to read: run as the user that the site runs as"
	case errors.Is(err, swapfile.ErrNotRegular):
		return "nothing that Django wrote is like this"
	case errors.Is(err, djsession.ErrSignatureExpired):
		return "the cookie is older than SESSION_COOKIE_AGE, or the clocks disagree"
	case errors.Is(err, djsession.ErrBadSignature):
		return "check that the SECRET_KEY is the site's (or list it in SECRET_KEY_FALLBACKS), and that DJANGO_VERSION is; " +
			"otherwise somebody changed the payload"
	case err.Form == djsession.Unsigned && errors.Is(err, djsession.ErrMalformed):
		return "something else than a session is stored under this key; or the store's URL does not have the prefix, version, " +
			"serializer and compressor of the site's CACHES"
	case errors.Is(err, djsession.ErrMalformed):
		return "it is signed by the site, and yet no JSON object: perhaps the site's SESSION_SERIALIZER is another one"
	case errors.Is(err, djsession.ErrTooLarge):
		return "it is refused before it fills the memory"
	}
	return ""
}

// otherForm says that a payload with a bad signature looks as if another Django
// than DJANGO_VERSION had written it, and "" when it does not.
func otherForm(err error, s *djsession.Settings) string {
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) || !errors.Is(err, djsession.ErrBadSignature) {
		return ""
	}
	// The releases that there are compare as texts.
	switch version := s.DjangoVersion; {
	case version >= "4.0" && payload.Form == djsession.Legacy:
		return "it looks like the form of Django up to 3.0, which Django " + version + " does not read"
	case version < "3.1" && payload.Form == djsession.Signed:
		return "it looks like the form of Django 3.1 and later, which Django " + version + " does not read"
	}
	return ""
}

// hintAtForm adds to a bad signature that the payload is in another form.
func hintAtForm(err error, s *djsession.Settings) error {
	if form := otherForm(err, s); form != "" {
		return &hinted{err, form + ": check DJANGO_VERSION under [settings] in " + configName}
	}
	return err
}

// warnings shows what the stores log as the command's own words: warnings and worse.
type warnings struct {
	app   *app
	attrs []slog.Attr
}

// showWarnings has the stores' warnings shown, and keeps the Redis client from
// talking to itself.
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

// WithGroup: the names are clear enough without.
func (w *warnings) WithGroup(string) slog.Handler { return w }
