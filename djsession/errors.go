package djsession

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/signing"
)

// Errors of a Store, for errors.Is. Any other error means that the store did not answer, or
// refused.
var (
	// ErrNotFound: no live session has this key. A store with replicas has asked its writer.
	ErrNotFound = errors.New("no such session")
	// ErrKeyTaken is Django's CreateError: a session with this key exists.
	ErrKeyTaken = errors.New("session key is taken")
	// ErrInvalidKey: no session can have this key. See ValidateKey.
	ErrInvalidKey = errors.New("not a session key")
	// ErrConflict: another writer changed the session since it was loaded. Stores return it
	// as a *ConflictError, which has the session that is stored now.
	ErrConflict = errors.New("session was changed by another writer")
	// ErrEmptied: a session was to be deleted and has ended, but its row stays, because rows of
	// another table point at it. The row now holds an empty session that has expired.
	ErrEmptied = errors.New("session was emptied and has expired, but its row stays: rows of another table point at it")
	// ErrReadOnly: the store takes no writes.
	ErrReadOnly = errors.New("store is read-only")
	// ErrDenied: the store does not grant the right to do this, such as the right to delete
	// rows. Nothing was written.
	ErrDenied = errors.New("a right is missing")
	// ErrBusy: another program has locked the store for longer than the store waits.
	ErrBusy = errors.New("store is locked")
	// ErrOutcomeUnknown: a write was sent and its answer did not come, since the
	// connection broke or the context ended. The store may have made the change,
	// or may still make it. It is not a conflict: do not make the change again.
	ErrOutcomeUnknown = errors.New("the answer was lost: the change may have been made or not")
)

// Reasons why a store does not clear its expired sessions: see ExpiredClearer.
var (
	// ErrExpiresByItself: the store removes expired sessions by itself, so there is nothing to do.
	ErrExpiresByItself = errors.New("the store removes expired sessions by itself")
	// ErrNoExpiryIndex: the table has no index on the time at which its rows end, so to find the
	// expired ones takes a read of the whole table.
	ErrNoExpiryIndex = errors.New("the table has no index on the time at which sessions end")
)

// ErrSessionDeleted is Django's UpdateError and SessionInterrupted: the session was deleted
// after it was loaded. It is not created again. It is an ErrNotFound to errors.Is.
var ErrSessionDeleted = fmt.Errorf("session was deleted after it was loaded: %w", ErrNotFound)

// Reasons why a request cannot load or change its session.
var (
	// ErrNoManager: the request did not come through Manager.Handler.
	ErrNoManager = errors.New("djsession: the handler is not under a Manager's Handler")
	// ErrResponseStarted: the response has begun. The session was saved and its cookie sent
	// before its first byte. A handler that streams uses Update from then on.
	ErrResponseStarted = errors.New("djsession: the response has begun, so the session takes no more changes: use djsession.Update")
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

// Reasons why a payload cannot be trusted, for errors.Is on a *PayloadError.
var (
	// ErrBadSignature is signing.ErrBadSignature: the payload was signed with
	// another SECRET_KEY or salt, or was changed since.
	ErrBadSignature = signing.ErrBadSignature
	// ErrSignatureExpired is signing.ErrSignatureExpired: a signed cookie
	// older than SESSION_COOKIE_AGE. It is an ErrBadSignature too.
	ErrSignatureExpired = signing.ErrSignatureExpired
	// ErrMalformed is signing.ErrMalformed: the signature verifies, but Python could not
	// read the data.
	ErrMalformed = signing.ErrMalformed
	// ErrTooLarge is signing.ErrTooLarge: over Settings.MaxPayloadSize.
	ErrTooLarge = signing.ErrTooLarge
)

// PayloadError is a stored session that cannot be read or trusted. Django treats it as an
// empty session and overwrites it; djsess never does.
type PayloadError struct {
	// Err is an ErrBadSignature, ErrMalformed or ErrTooLarge to errors.Is.
	Err error
	// Form is the form that the payload seems to have, or "". A bad signature in a form
	// that the site's Django does not write means that another release wrote it.
	Form Form
	// Content is what the serialized values seem to be, such as "a pickle" or "a JSON object",
	// if the signature verifies and SESSION_SERIALIZER cannot read them. Otherwise it is "".
	Content string
}

func (e *PayloadError) Error() string { return "session payload: " + e.Err.Error() }
func (e *PayloadError) Unwrap() error { return e.Err }

// UnsignedError returns the error of a payload in the Unsigned form, which caches hold. err is
// an ErrMalformed or ErrTooLarge.
func UnsignedError(err error) error { return &PayloadError{Form: Unsigned, Err: err} }

// ConflictError is an ErrConflict with the session that is stored now.
type ConflictError struct {
	// Current is the session as the other writer has stored it.
	Current *Record
}

func (e *ConflictError) Error() string {
	return "session " + ShortKey(e.Current.Key) + " was changed by another writer"
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
	// Hint is a remedy, such as "run manage.py migrate". It is empty if the
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
