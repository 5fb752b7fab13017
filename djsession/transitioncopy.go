package djsession

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"

	"github.com/djsess/djsess/internal/printable"
)

// maxCopies is how often a session is copied until the store that decides holds what was copied. Two
// rounds are enough unless others save the session all the time.
const maxCopies = 20

// copy brings the store to what the store from holds. r was just stored in from. there is what to
// held before that, or nil. Without creates, only a copy that is there is updated.
//
// Others may save or delete the session at the same time, and their copies may be made in any
// order. So from is read again after each copy, until it holds what was copied. Then the last copy
// is of what from held last. docs/moving/races.md goes through the orders.
func (t *transition) copy(ctx context.Context, from, to *side, r, there *Record, creates bool) error {
	key, own := r.Key, r
	for attempt := range maxCopies {
		if err := pause(ctx, max(attempt-1, 0)); err != nil {
			return notCopied(key, to, err)
		}
		current, done, err := t.put(ctx, from, to, r, there, creates)
		switch {
		case cannotHold(err):
			t.warnCannotHold(ctx, to, key, err)
			if err := to.Delete(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
				return notCopied(key, to, err)
			}
			return nil
		case err != nil:
			return notCopied(key, to, err)
		case done && current == nil: // there is no copy to update
			return nil
		}
		there = current
		now, err := from.Load(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound): // it was deleted, or has expired
			if err := to.Delete(ctx, key); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrEmptied) {
				return notCopied(key, to, err)
			}
			return nil
		case err != nil:
			return notCopied(key, to, err)
		case done && same(now, r):
			return nil
		case !done && !same(now, own):
			return nil // others have saved it since, and copy what they saved
		}
		r = now
	}
	return notCopied(key, to, errors.New("others save the session all the time"))
}

// put tries once to store r in the store to in place of there. It returns what is there now, and whether
// that is r.
func (t *transition) put(ctx context.Context, from, to *side, r, there *Record, creates bool) (now *Record, done bool, err error) {
	if there == nil && !creates {
		// A copy that was made before r was stored may be older than r.
		if there, err = to.Load(ctx, r.Key); errors.Is(err, ErrNotFound) {
			return nil, true, nil
		} else if err != nil {
			return nil, false, err
		}
	}
	expires, err := expiryOf(ctx, from, r)
	if err != nil {
		return there, false, err
	}
	if there == nil {
		now, err = to.Create(ctx, r.Key, r.Values, expires)
		if errors.Is(err, ErrKeyTaken) {
			if now, err = to.Load(ctx, r.Key); errors.Is(err, ErrNotFound) {
				// The key of an expired session.
				if err = to.Delete(ctx, r.Key); errors.Is(err, ErrNotFound) {
					err = nil
				}
			}
			return now, false, err
		}
		return now, err == nil, err
	}
	now, err = to.Replace(ctx, there, r.Values, expires)
	var conflict *ConflictError
	switch {
	case errors.As(err, &conflict):
		return conflict.Current, false, nil
	case errors.Is(err, ErrNotFound):
		return nil, false, nil
	}
	return now, err == nil, err
}

// expiryOf returns when a session ends. Some stores return that by another call only. If a store
// cannot tell at all, the expiry is zero: the copy, which is made right after the save, then ends when the session does.
func expiryOf(ctx context.Context, from *side, r *Record) (time.Time, error) {
	reader, ok := from.Store.(ExpiryReader)
	if !r.Expires.IsZero() || !ok {
		return r.Expires, nil
	}
	expires, err := reader.Expires(ctx, r.Key)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, ErrNotFound) { // if it is gone, the next load will show it
		return time.Time{}, nil
	}
	return expires, err
}

// same reports whether two records of a store hold the same session until the same second. Loaded records may
// have no expiry.
func same(a, b *Record) bool {
	if a.Version != nil && reflect.DeepEqual(a.Version, b.Version) {
		return true
	}
	if !a.Expires.IsZero() && !b.Expires.IsZero() && a.Expires.Sub(b.Expires).Abs() > time.Second {
		return false
	}
	one, err := a.Values.AppendPythonJSON(nil)
	if err != nil {
		return false
	}
	other, err := b.Values.AppendPythonJSON(nil)
	return err == nil && string(one) == string(other)
}

// mayCopy reports whether sessions of the store from may be copied to the store to, where there is the
// copy so far, or nil.
//
// A store that signs nothing does not show whether SECRET_KEY is the site's. With a wrong key,
// copies in a store that signs would be of no use to Django, and their visitors logged out. So before the first copy, a session in the
// store to must have opened under SECRET_KEY. As long as there is none, nothing is copied; migrate does
// that.
func (t *transition) mayCopy(ctx context.Context, from, to *side, there *Record) (bool, error) {
	creates := t.phase != ReadOldUpdateNew
	if !isUnsigned(from) || isUnsigned(to) || to.Settings().AcceptNewKey || t.keyShown.Load() {
		return creates, nil
	}
	shown := there != nil && there.Origin.Form != Unsigned
	if !shown {
		var err error
		if shown, err = OpensSome(ctx, to.Store); !shown || err != nil {
			return false, err
		}
	}
	written := Origin{Form: Unsigned}
	if there != nil {
		written = there.Origin
	}
	if err := checkKey(ctx, to.Store, written); err != nil {
		return false, err
	}
	t.keyShown.Store(true)
	return creates, nil
}

func isUnsigned(s *side) bool {
	u, ok := s.Store.(UnsignedStore)
	return ok && u.IsUnsigned()
}

// cannotHold reports whether an error means that a store cannot hold a session at all.
func cannotHold(err error) bool {
	if errors.As(err, new(*PayloadError)) { // this is about what is stored
		return false
	}
	return errors.Is(err, ErrOpaque) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidExpiry)
}

// isDown reports whether an error of a load means that the store did not answer.
func isDown(err error) bool {
	return err != nil && !errors.Is(err, ErrNotFound) && !errors.As(err, new(*PayloadError))
}

// copyError is the error of an operation that failed in the store that does not decide.
func copyError(op, key string, to *side, err error) error {
	return &OpError{Store: "djsession", Op: op, Key: ShortKey(key), Err: fmt.Errorf("in the %s store: %w", to.name, err)}
}

// notCopied is the error of a session that is stored, and whose copy may be an older one.
func notCopied(key string, to *side, err error) error {
	return copyError("copy", key, to, fmt.Errorf("%w: the session is stored, and its copy may be older: %w", ErrOutcomeUnknown, err))
}

func (t *transition) warnCannotHold(ctx context.Context, to *side, key string, err error) {
	t.warn(ctx, key, "the "+to.name+" store cannot hold a session, so it has no copy there", slog.String("error", printable.Line(err.Error())))
}

// warn logs a warning. Warnings of one text are logged at most once in ten seconds, with
// their number.
func (t *transition) warn(ctx context.Context, key, text string, attrs ...slog.Attr) {
	count := t.warnings.Count(text, time.Now())
	if count == 0 {
		return
	}
	attrs = append(attrs, slog.String("session", ShortKey(key)), slog.Int("count", count))
	slog.Default().LogAttrs(ctx, slog.LevelWarn, "transition: "+text, attrs...)
}
