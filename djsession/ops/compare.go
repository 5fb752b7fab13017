package ops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
)

// What Compare finds, for errors.Is.
var (
	// ErrMissing: the target does not have a session of the source.
	ErrMissing = errors.New("the target does not have it")
	// ErrDiffers: the session of the target has other values.
	ErrDiffers = errors.New("it has other values in the target")
	// ErrExpiryDiffers: the session of the target ends at another time.
	ErrExpiryDiffers = errors.New("it ends at another time in the target")
)

// Comparison counts what Compare has found.
type Comparison struct {
	// Equal counts the sessions that are the same in both stores.
	Equal int64
	// Missing, Different and ExpiryDiffers count those that are not.
	Missing, Different, ExpiryDiffers int64
	// Unreadable counts the sessions of the source that cannot be read.
	Unreadable int64
}

// Compare compares the live sessions of a store with those of another one, such as after Migrate. It writes nothing. options.Found
// is told of each difference. The expiry is not compared if the target does not return it, as Memcached. Values that JSON cannot hold must be in the target as onLoss says.
func Compare(ctx context.Context, from, to djsession.Store, onLoss OnLoss, options Job) (*Comparison, error) {
	p, err := newPass("compare", &options, from)
	if err != nil {
		return new(Comparison), err
	}
	var equal, missing, different, expiryDiffers atomic.Int64
	one := func(ctx context.Context, r *djsession.Record) error {
		there, err := to.Load(ctx, r.Key)
		switch {
		case errors.Is(err, djsession.ErrNotFound):
			missing.Add(1)
			p.found(r, ErrMissing)
			return nil
		case err != nil && isAboutSession(err):
			different.Add(1)
			p.found(r, err)
			return nil
		case err != nil:
			return err
		}
		want, err := expiry(ctx, from, r)
		if err != nil && !isAboutSession(err) {
			return err
		}
		got, err := expiry(ctx, to, there)
		if errors.Is(err, errors.ErrUnsupported) { // Memcached does not tell
			got, err = want, nil
		}
		if err != nil && !isAboutSession(err) {
			return err
		}
		const slack = 2 * time.Second // an engine may have whole seconds, and a cache counts from another moment
		inFile := hasAge(r) && (want.Equal(djsession.Never) || got.Equal(djsession.Never))
		switch {
		case !sameValues(r, there, onLoss):
			different.Add(1)
			p.found(r, ErrDiffers)
		case !inFile && got.Sub(want).Abs() > slack:
			expiryDiffers.Add(1)
			p.found(r, fmt.Errorf("%w: at %v in place of %v", ErrExpiryDiffers, got.UTC(), want.UTC()))
		default:
			equal.Add(1)
		}
		return nil
	}
	err = p.run(ctx, func(int) (handler, error) {
		return func(ctx context.Context, batch []*djsession.Record) (int, error) {
			for _, r := range batch {
				if err := one(ctx, r); err != nil {
					return 0, err
				}
			}
			return 0, nil
		}, nil
	})
	return &Comparison{equal.Load(), missing.Load(), different.Load(), expiryDiffers.Load(), p.unreadable}, err
}

// sameValues reports whether two sessions have the same values. A _session_expiry may be spelled for another Django.
func sameValues(a, b *djsession.Record, onLoss OnLoss) bool {
	if a, b := a.Values, b.Values; a.Size() == b.Size() && bytes.Equal(a.AppendShown(nil), b.AppendShown(nil)) {
		return true
	}
	return bytes.Equal(normalized(a, onLoss), normalized(b, onLoss))
}

// normalized returns the values in a form that does not depend on the serializer.
func normalized(r *djsession.Record, onLoss OnLoss) []byte {
	if onLoss == StopOnLoss {
		onLoss = KeepOpaque // a target with the same serializer has the objects
	}
	v, err := portable(r.Values, onLoss, func(*LostValueError) {})
	if err != nil {
		return nil
	}
	if v.Has(expiryName) {
		v.Delete(expiryName) // Record.Expires is compared
	}
	text, err := v.AppendPythonJSON(nil)
	if err != nil {
		return nil
	}
	return text
}
