package ops

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
)

// rewriter writes sessions of a store again, in place and beside a live site. Each is replaced only if it is still what was
// decided about, and ends when it did. So it brings back no session and loses no write, and a run after one that was killed
// needs no state: it finds less to do.
type rewriter struct {
	store djsession.Store
	pass  *pass
	// decide returns for each session the values to write, or nil if it stays as it is. It is called
	// again for a session that another writer has changed meanwhile; first is then false.
	decide func(ctx context.Context, sessions []*djsession.Record, first bool) ([]*djsession.Values, error)
	// translate, if set, returns values that the store can hold in place of those that are an
	// ErrOpaque. Its error ends the job.
	translate func(ctx context.Context, r *djsession.Record, v *djsession.Values) (*djsession.Values, error)

	rewritten, gone, failed atomic.Int64
}

// newRewriter returns a rewriter if the store's sessions open and may be signed.
func newRewriter(ctx context.Context, name string, job *Job, store djsession.Store) (*rewriter, error) {
	if err := checkSettings(ctx, store); err != nil {
		return nil, fmt.Errorf("ops: %s: %w", name, err)
	}
	p, err := newPass(name, job, store)
	if err != nil {
		return nil, err
	}
	return &rewriter{store: store, pass: p}, nil
}

func (w *rewriter) run(ctx context.Context) error {
	return w.pass.run(ctx, func(int) (handler, error) { return w.batch, nil })
}

// rewriteAttempts is how often a session is tried that other writers keep changing.
const rewriteAttempts = 20

// batch rewrites the sessions of a batch that need it.
func (w *rewriter) batch(ctx context.Context, sessions []*djsession.Record) (written int, err error) {
	for attempt := 0; len(sessions) > 0; attempt++ {
		if attempt == rewriteAttempts {
			for _, r := range sessions {
				w.fail(r, djsession.ErrConflict)
			}
			break
		}
		if attempt > 1 {
			time.Sleep(rand.N(time.Millisecond << min(attempt, 6)))
		}
		changed, n, err := w.attempt(ctx, sessions, attempt == 0)
		written += n
		w.rewritten.Add(int64(n))
		if err != nil {
			return written, err
		}
		sessions = changed
	}
	return written, nil
}

// attempt writes each session once, and returns those that another writer has changed meanwhile.
func (w *rewriter) attempt(ctx context.Context, sessions []*djsession.Record, first bool) (changed []*djsession.Record, written int, err error) {
	values, err := w.decide(ctx, sessions, first)
	if err != nil {
		return nil, 0, err
	}
	var writes []djsession.Replacement
	for i, r := range sessions {
		switch {
		case values[i] == nil:
		case r.Key == "":
			return nil, 0, fmt.Errorf("the store keeps only hashes of its keys: %w", errors.ErrUnsupported)
		default:
			writes = append(writes, djsession.Replacement{Old: r, Values: values[i], Expires: djsession.KeepExpiry})
		}
	}
	if len(writes) == 0 {
		return nil, 0, nil
	}
	if w.pass.job.DryRun {
		return nil, 0, w.rehearse(ctx, writes)
	}
	var lost error
	for round := 0; len(writes) > 0; round++ {
		results, err := replaceAll(ctx, w.store, writes)
		if err != nil {
			return nil, written, err
		}
		var translated []djsession.Replacement
		for i, result := range results {
			var conflict *djsession.ConflictError
			switch old := writes[i].Old; {
			case result.Err == nil:
				written++
			case errors.As(result.Err, &conflict):
				changed = append(changed, conflict.Current)
			case errors.Is(result.Err, djsession.ErrNotFound):
				w.gone.Add(1) // its user has logged out, or it has expired
			case errors.Is(result.Err, djsession.ErrOpaque) && w.translate != nil && round == 0:
				v, err := w.translate(ctx, old, writes[i].Values)
				if err == nil {
					translated = append(translated, djsession.Replacement{Old: old, Values: v, Expires: djsession.KeepExpiry})
				} else if lost == nil {
					lost = err // the others are written first
				}
			default:
				w.fail(old, result.Err)
			}
		}
		writes = translated
	}
	return changed, written, lost
}

// rehearse counts what would be written, for DryRun, and reports the values that would be lost.
func (w *rewriter) rehearse(ctx context.Context, writes []djsession.Replacement) error {
	w.rewritten.Add(int64(len(writes)))
	if w.translate == nil || !writesJSON(w.store) {
		return nil
	}
	for _, r := range writes {
		if _, err := r.Values.AppendPythonJSON(nil); errors.Is(err, djsession.ErrOpaque) {
			if _, err := w.translate(ctx, r.Old, r.Values); err != nil {
				w.failed.Add(1) // it would end the job, and is reported
			}
		}
	}
	return nil
}

func (w *rewriter) fail(r *djsession.Record, err error) {
	w.failed.Add(1)
	w.pass.found(r, err)
}

// read returns how many sessions were read, and how many of them could not be.
func (w *rewriter) read() (all, unreadable int64) {
	w.pass.mu.Lock()
	defer w.pass.mu.Unlock()
	return w.pass.readable + w.pass.unreadable, w.pass.unreadable
}
