// Package cookiestore keeps a session in the visitor's cookie, as Django's engine
// signed_cookies does: the session's key is the signed payload itself.
//
//	store, err := cookiestore.New(settings)
//	record, err := store.Load(ctx, cookie)
//	record, err = store.Replace(ctx, record, values, time.Time{})   // record.Key is the new cookie
//
// The limits are those of Django's engine:
//
//   - The visitor can read the session, and cannot change it.
//   - A session cannot be revoked: a copy of a cookie is valid until it is
//     SESSION_COOKIE_AGE old, even after a logout. [Store.Delete] does nothing.
//   - Two requests that overlap overwrite each other's changes: the browser keeps the
//     cookie that it received last. The store cannot detect the conflict.
//   - A session ends SESSION_COOKIE_AGE after it was saved. A _session_expiry only decides
//     how long the browser keeps it.
//   - Name and value of a cookie have at most [MaxCookieSize] bytes. For a longer cookie,
//     which browsers would drop without an error, the error is an ErrTooLarge.
//
// All errors are *djsession.OpError, and hold the errors that djsession.Store describes.
package cookiestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// MaxCookieSize is how many bytes of name and value browsers accept (RFC 6265bis).
const MaxCookieSize = 4096

// Store is a djsession.Store that stores nothing. It is safe for use by several
// goroutines.
type Store struct {
	settings func() *djsession.Settings // a func, so that fmt prints no secrets
	codec    djsession.Codec
}

var (
	_ djsession.Store         = (*Store)(nil)
	_ djsession.SelfContained = (*Store)(nil)
)

// New returns a store for the site's settings. The length of SessionCookieName counts for
// the size of a cookie.
func New(settings *djsession.Settings) (*Store, error) {
	if settings == nil {
		return nil, errors.New("cookiestore: settings are missing")
	}
	copied := *settings // copy: later changes by the caller must not apply
	s := &Store{settings: func() *djsession.Settings { return &copied }}
	var err error
	if s.codec, err = djsession.NewCookieCodec(settings); err != nil {
		return nil, err
	}
	return s, nil
}

// Load reads the session from its key. If the key was signed longer ago than
// SESSION_COOKIE_AGE, the error is an ErrNotFound and an ErrSignatureExpired. Any other key
// that cannot be trusted is a *PayloadError.
func (s *Store) Load(ctx context.Context, key string) (*djsession.Record, error) {
	const op = "load"
	if err := ctx.Err(); err != nil {
		return nil, wrap(op, key, err)
	}
	if key == "" {
		return nil, wrap(op, key, fmt.Errorf("%w: it is empty", djsession.ErrInvalidKey))
	}
	v, origin, err := s.codec.Decode([]byte(key))
	switch {
	case errors.Is(err, djsession.ErrSignatureExpired):
		return nil, wrap(op, key, fmt.Errorf("%w: %w", djsession.ErrNotFound, djsession.ErrSignatureExpired))
	case err != nil:
		return nil, wrap(op, key, err)
	}
	return &djsession.Record{Key: key, Values: v, Expires: s.expires(v, origin.SignedAt), Origin: origin}, nil
}

// Create returns the session under a key of its own, which is the signed payload. If key is not
// empty, the error is an ErrInvalidKey. The argument expires has no effect: Record.Expires
// follows from the values and SESSION_COOKIE_AGE.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	if key != "" {
		return nil, wrap(op, key, fmt.Errorf("%w: this engine makes its keys", djsession.ErrInvalidKey))
	}
	return s.sign(ctx, op, v)
}

// Replace is Create for a session that has a cookie. It returns a record with a new key. It
// never returns a conflict: a visitor with the old key has the old session.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	return s.sign(ctx, "replace", v)
}

// Delete does nothing. The middleware deletes the cookie, and a copy of it stays valid.
func (s *Store) Delete(ctx context.Context, key string) error { return nil }

// KeyIsSession returns true: each key holds its session.
func (s *Store) KeyIsSession() bool { return true }

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// Close does nothing.
func (s *Store) Close() error { return nil }

// String returns Django's name of the engine.
func (s *Store) String() string { return "signed_cookies" }

// sign returns a record whose key is the signed values.
func (s *Store) sign(ctx context.Context, op string, v *djsession.Values) (*djsession.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, wrap(op, "", err)
	}
	if v == nil {
		v = new(djsession.Values)
	}
	payload, err := s.codec.Append(nil, v)
	if err != nil {
		return nil, wrap(op, "", err)
	}
	if size := len(s.settings().SessionCookieName) + len(payload); size > MaxCookieSize {
		return nil, wrap(op, "", fmt.Errorf("cookie of %d bytes, and browsers keep %d: %w", size, MaxCookieSize, djsession.ErrTooLarge))
	}
	return &djsession.Record{Key: string(payload), Values: v.Clone(), Expires: s.expires(v, s.settings().Now())}, nil
}

// expires returns the time at which the browser drops the cookie or the signature expires,
// whichever is first. It ignores an invalid _session_expiry, as Django does.
func (s *Store) expires(v *djsession.Values, signed time.Time) time.Time {
	end := signed.Add(s.settings().SessionCookieAge)
	if dropped, err := s.settings().ExpiryDate(v, signed); err == nil && dropped.Before(end) {
		end = dropped
	}
	return end.UTC()
}

func wrap(op, key string, err error) error {
	return &djsession.OpError{Store: "cookiestore", Op: op, Key: djsession.ShortKey(key), Err: err}
}
