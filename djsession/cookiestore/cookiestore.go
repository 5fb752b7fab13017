// Package cookiestore keeps a session in the visitor's cookie, as Django's engine
// signed_cookies does: the session's key is the signed payload itself.
//
//	store, err := cookiestore.New(settings)
//	record, err := store.Load(ctx, cookie)
//	record, err = store.Replace(ctx, record, values, time.Time{})   // record.Key is the new cookie
//
// What that means is as in Django:
//
//   - The visitor can read what is in the session, and cannot change it.
//   - Nothing can be revoked: a copy of a cookie is good until it is
//     SESSION_COOKIE_AGE old, after a logout, too. [Store.Delete] does nothing.
//   - Two requests that overlap overwrite each other's changes: the browser keeps
//     the cookie that it got last, and nobody is there to see a conflict.
//   - A session ends SESSION_COOKIE_AGE after it was saved. A _session_expiry only
//     says how long the browser keeps it.
//   - A cookie holds 4096 bytes. What is over that is an ErrTooLarge before it is
//     sent; browsers would drop it without a word.
package cookiestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// MaxCookieSize is how many bytes of name and value browsers take (RFC 6265bis).
const MaxCookieSize = 4096

// Store is a djsession.Store that stores nothing. It is safe for use by several
// goroutines.
type Store struct {
	settings func() *djsession.Settings // of a func, fmt prints no secrets
	codec    djsession.Codec
}

var (
	_ djsession.Store         = (*Store)(nil)
	_ djsession.SelfContained = (*Store)(nil)
)

// New returns a store for the site's settings. Its SessionCookieName counts
// for the size of a cookie.
func New(settings *djsession.Settings) (*Store, error) {
	if settings == nil {
		return nil, errors.New("cookiestore: settings are missing")
	}
	copied := *settings // later changes by the caller must not apply
	s := &Store{settings: func() *djsession.Settings { return &copied }}
	var err error
	if s.codec, err = djsession.NewCookieCodec(settings); err != nil {
		return nil, err
	}
	return s, nil
}

// Load reads the session out of its key. A key that was signed longer ago than
// SESSION_COOKIE_AGE is an ErrNotFound that is an ErrSignatureExpired, too; any other
// that is no good is a *PayloadError.
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

// Create returns the session under the key that it makes; it takes none, and an
// expiry has no place to be: Record.Expires is what the values and
// SESSION_COOKIE_AGE say.
func (s *Store) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	const op = "create"
	if key != "" {
		return nil, wrap(op, key, fmt.Errorf("%w: this engine makes its keys", djsession.ErrInvalidKey))
	}
	return s.make(ctx, op, v)
}

// Replace is Create for a session that has a cookie. It returns a record of another
// key and never sees a conflict: who holds the old key has the old session.
func (s *Store) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	return s.make(ctx, "replace", v)
}

// Delete does nothing. The cookie can be deleted, which the middleware does, and
// a copy of it cannot: see the package comment.
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

// String is Django's name of the engine.
func (s *Store) String() string { return "signed_cookies" }

func (s *Store) make(ctx context.Context, op string, v *djsession.Values) (*djsession.Record, error) {
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

// expires is when the browser drops the cookie or the signature ends, whichever
// comes first. A _session_expiry that is none does not keep Django from making a
// cookie, either.
func (s *Store) expires(v *djsession.Values, signed time.Time) time.Time {
	end := signed.Add(s.settings().SessionCookieAge)
	if dropped, err := s.settings().ExpiryDate(v, signed); err == nil && dropped.Before(end) {
		end = dropped
	}
	return end.UTC()
}

// wrap says what was being done to which session.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + djsession.ShortKey(key)
	}
	return fmt.Errorf("cookiestore: %s: %w", op, err)
}
