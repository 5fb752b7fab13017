package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
)

// Rotation are the options of Rotate.
type Rotation struct {
	Job
	// Auth makes the session auth hashes of logins again. If it is nil, the hashes stay, and a
	// site without the fallback key logs these users out.
	Auth *djauth.Auth
}

// RotationReport says what Rotate has done, or with DryRun what it would do.
type RotationReport struct {
	// Read counts the live sessions, and Unreadable those of them that cannot be read.
	Read, Unreadable int64
	// Rewritten counts the sessions that were written again.
	Rewritten int64
	// Current counts the sessions that SECRET_KEY had signed already. If these are all, the keys may be in the wrong order.
	Current int64
	// Fallbacks counts, for each of SECRET_KEY_FALLBACKS, the sessions that need it.
	Fallbacks []FallbackUse
	// Refused counts the logins whose hash does not verify, such as after a change of password.
	// They stay as they are, and the site ends them.
	Refused int64
	// Failed counts sessions that could not be stored, and Gone those that have left the store
	// meanwhile.
	Failed, Gone int64
}

// FallbackUse is what needs one of SECRET_KEY_FALLBACKS.
type FallbackUse struct {
	// Signed counts the sessions that are signed with it, and Hashes the logins whose hash was
	// made with it.
	Signed, Hashes int64
	// Until is when the last of them ends unless it is saved again. It is zero if there is none,
	// or if the store does not return it.
	Until time.Time
}

// ErrNoFallbacks: there are no SECRET_KEY_FALLBACKS, so no session needs one.
var ErrNoFallbacks = errors.New("there are no SECRET_KEY_FALLBACKS, so no session needs one")

// Rotate rewrites what was signed with one of SECRET_KEY_FALLBACKS under SECRET_KEY, and the session auth hash of each
// login that was made with one, so that the fallback can be dropped. Each session is replaced only if it is unchanged
// since it was read, and ends when it did.
//
// If SECRET_KEY were misspelled, nobody could read what Rotate writes. So SECRET_KEY must have made the newest signature in the
// store, or in a store without signatures the hash of a live login. Otherwise the error is a djsession.ErrUnknownKey, as in the
// first minutes after a change, unless Settings.AcceptNewKey is set. With DryRun the report comes with that error.
func Rotate(ctx context.Context, store djsession.Store, options Rotation) (*RotationReport, error) {
	settings := store.Settings()
	r := &rotation{Rotation: options, store: store, settings: settings, uses: make([]FallbackUse, len(settings.SecretKeyFallbacks))}
	u, ok := store.(djsession.UnsignedStore)
	r.unsigned = ok && u.IsUnsigned()
	switch {
	case len(settings.SecretKeyFallbacks) == 0:
		return new(RotationReport), fmt.Errorf("ops: rotate: %w", ErrNoFallbacks)
	case r.unsigned && options.Auth == nil:
		return new(RotationReport), fmt.Errorf("ops: rotate: the store signs nothing, so without Auth there is nothing to do: %w", errors.ErrUnsupported)
	}
	w, err := newRewriter(ctx, "rotate", &r.Job, store)
	if err != nil {
		return new(RotationReport), err
	}
	w.decide = r.decide
	unknown := r.checkKey(ctx)
	switch {
	case unknown == nil:
	case r.DryRun && errors.Is(unknown, djsession.ErrUnknownKey):
		unknown = fmt.Errorf("ops: rotate: %w", unknown)
	default:
		return new(RotationReport), fmt.Errorf("ops: rotate: %w", unknown)
	}
	err = w.run(ctx)
	if err == nil {
		err = unknown
	}
	report := &RotationReport{Rewritten: w.rewritten.Load(), Current: r.current, Fallbacks: r.uses, Refused: r.refused.Load(), Failed: w.failed.Load(), Gone: w.gone.Load()}
	report.Read, report.Unreadable = w.read()
	return report, err
}

type rotation struct {
	Rotation
	store    djsession.Store
	settings *djsession.Settings
	unsigned bool
	refused  atomic.Int64

	mu      sync.Mutex
	uses    []FallbackUse
	current int64
}

// decide returns the values of the sessions that need a fallback.
func (r *rotation) decide(ctx context.Context, sessions []*djsession.Record, first bool) ([]*djsession.Values, error) {
	decided := make([]*djsession.Values, len(sessions))
	rehashed := make([]djauth.Rehashed, len(sessions))
	if r.Auth != nil {
		var err error
		if rehashed, err = r.Auth.Rehash(ctx, valuesOf(sessions), r.settings, nil); err != nil {
			return nil, err
		}
	}
	for i, s := range sessions {
		if s.Origin.Key > 0 {
			decided[i] = s.Values
		}
		if rehashed[i].Key > 0 && rehashed[i].Values != nil {
			decided[i] = rehashed[i].Values
		}
		if first {
			r.count(s, rehashed[i])
		}
	}
	return decided, nil
}

// count counts what needs a fallback in a session.
func (r *rotation) count(s *djsession.Record, hash djauth.Rehashed) {
	if hash.Refused != nil {
		r.refused.Add(1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	use := func(key int) *FallbackUse {
		u := &r.uses[key-1]
		if s.Expires.After(u.Until) {
			u.Until = s.Expires
		}
		return u
	}
	switch {
	case s.Origin.Key > 0:
		use(s.Origin.Key).Signed++
	case !r.unsigned:
		r.current++
	}
	if hash.Key > 0 && hash.Values != nil {
		use(hash.Key).Hashes++
	}
}

// evidenceLogins is how many logins are searched for one under SECRET_KEY.
const evidenceLogins = 1000

// checkKey returns an ErrUnknownKey if nothing shows that SECRET_KEY is the site's.
func (r *rotation) checkKey(ctx context.Context) error {
	if !r.unsigned || r.settings.AcceptNewKey {
		return djsession.CheckKey(ctx, r.store)
	}
	current, fallbacks := false, 0
	var hashErr error
	_, err := search(ctx, r.store, func(s *djsession.Record) bool {
		hashes, err := r.Auth.Rehash(ctx, valuesOf([]*djsession.Record{s}), r.settings, nil)
		if hashErr = err; err == nil && hashes[0].Verified {
			current = hashes[0].Key == 0
			if !current {
				fallbacks++
			}
		}
		return current || err != nil || fallbacks == evidenceLogins
	})
	switch {
	case err != nil:
		return err
	case hashErr != nil:
		return hashErr
	case !current && fallbacks > 0:
		return djsession.ErrUnknownKey
	}
	return nil
}
