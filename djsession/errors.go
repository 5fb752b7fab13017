package djsession

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/signing"
)

// What a Store answers, for errors.Is. Any other error means that the store
// could not be asked: it is down, or refused.
var (
	// ErrNotFound: no live session has this key. The store's writer said so.
	ErrNotFound = errors.New("no such session")
	// ErrKeyTaken is Django's CreateError: there is a session of this key.
	ErrKeyTaken = errors.New("session key is taken")
	// ErrInvalidKey: no session can have this key. See ValidateKey.
	ErrInvalidKey = errors.New("not a session key")
	// ErrConflict: somebody else wrote the session meanwhile. Stores return
	// it as a *ConflictError, which carries what was written.
	ErrConflict = errors.New("session was changed meanwhile")
	// ErrReadOnly: the store takes no writes.
	ErrReadOnly = errors.New("store is read-only")
	// ErrBusy: the store is locked by somebody else for longer than it waits.
	ErrBusy = errors.New("store is locked")
	// ErrOutcomeUnknown: a write was sent and its answer did not come, since the
	// connection broke or the context ended. The store may have made the change,
	// or may still make it. It is not a conflict: do not make the change again.
	ErrOutcomeUnknown = errors.New("the answer was lost: the change may have been made or not")
)

// ErrSessionDeleted is Django's UpdateError and SessionInterrupted: the session
// was there when it was loaded and is gone now. It is not brought back to life.
// It is an ErrNotFound to errors.Is.
var ErrSessionDeleted = fmt.Errorf("session was deleted meanwhile: %w", ErrNotFound)

// Why a session is not to be had, or not to be changed, in a request.
var (
	// ErrNoManager: the request did not come through Manager.Handler.
	ErrNoManager = errors.New("djsession: the handler is not under a Manager's Handler")
	// ErrResponseStarted: the response has begun, and with it the session was
	// saved and its cookie sent. What streams uses Update from there on.
	ErrResponseStarted = errors.New("djsession: the response has begun, and the session with it: what comes later is for djsession.Update")
	// ErrUnknownStore: a new session was not stored, because nothing has shown yet
	// that the store is the site's. See Manager.AcceptEmptyStore.
	ErrUnknownStore = errors.New("djsession: nothing shows yet that this is the site's store, so no new session is stored: " +
		"the first visitor with a session from Django will show it; for a new site set Manager.AcceptEmptyStore")
	// ErrUnknownKey: a session was not written, because the newest sessions were
	// signed with one of SECRET_KEY_FALLBACKS. See Settings.AcceptNewKey.
	ErrUnknownKey = errors.New("djsession: the newest sessions were signed with a key of SECRET_KEY_FALLBACKS and not with SECRET_KEY, so nothing is written: " +
		"is the first key the site's SECRET_KEY? (AcceptNewKey overrides this)")
	// ErrForeignCookie: the visitor's session cookie does not hold a session key. It
	// is neither replaced nor deleted. See Manager.UnwrapCookie.
	ErrForeignCookie = errors.New("djsession: the session cookie does not hold a session key, so it is left alone: " +
		"if the site wraps its session keys, set Manager.UnwrapCookie and Manager.WrapCookie")
)

// Why a payload is not to be trusted, for errors.Is on a *PayloadError.
var (
	// ErrBadSignature is signing.ErrBadSignature: the payload was signed with
	// another SECRET_KEY or salt, or was changed since.
	ErrBadSignature = signing.ErrBadSignature
	// ErrSignatureExpired is signing.ErrSignatureExpired: a signed cookie
	// older than SESSION_COOKIE_AGE. It is an ErrBadSignature too.
	ErrSignatureExpired = signing.ErrSignatureExpired
	// ErrMalformed is signing.ErrMalformed: the signature is good, and Python
	// would not be able to read what it signs.
	ErrMalformed = signing.ErrMalformed
	// ErrTooLarge is signing.ErrTooLarge: over Settings.MaxPayloadSize.
	ErrTooLarge = signing.ErrTooLarge
)

// PayloadError is a stored session that cannot be read or trusted. Django takes
// it for an empty session and overwrites it; djsess never does.
type PayloadError struct {
	// Err is an ErrBadSignature, ErrMalformed or ErrTooLarge to errors.Is.
	Err error
	// Form is the form that the payload seems to be in; empty when it is in
	// none. A bad signature in a form that the site's Django does not write
	// means that another release wrote it.
	Form Form
}

func (e *PayloadError) Error() string { return "session payload: " + e.Err.Error() }
func (e *PayloadError) Unwrap() error { return e.Err }

// UnsignedError returns the error of a payload in the Unsigned form, which caches hold. err is
// an ErrMalformed or ErrTooLarge.
func UnsignedError(err error) error { return &PayloadError{Form: Unsigned, Err: err} }

// ConflictError is an ErrConflict that knows what is stored now.
type ConflictError struct {
	// Current is the session as somebody else wrote it.
	Current *Record
}

func (e *ConflictError) Error() string {
	return "session " + ShortKey(e.Current.Key) + " was changed meanwhile"
}

// Is makes a ConflictError an ErrConflict.
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// OpError says what a store was doing, to which session, when Err happened. All errors
// of the stores and caches of djsess are OpErrors; the errors above are in their Err.
type OpError struct {
	// Store is the package of the store or cache, such as "dbstore".
	Store string
	// Op is the operation: "load", "create", "replace", "delete", "scan", ….
	Op string
	// Key is the beginning of the session key, as ShortKey returns it. It is empty if the
	// operation is about no single session.
	Key string
	// Err is the cause.
	Err error
	// Hint is what to do about it, such as "run manage.py migrate". It is empty if the
	// store knows no remedy.
	Hint string
}

// Error returns "dbstore: load 9f3c1a…: no such session", with the hint in parentheses.
func (e *OpError) Error() string {
	text := e.Store + ": " + e.Op
	if e.Key != "" {
		text += " " + e.Key
	}
	text += ": " + e.Err.Error()
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }
