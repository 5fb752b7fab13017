package ops_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
)

// dyingStore is a store that dies after it has listed some sessions, or deleted some.
type dyingStore struct {
	*djsessiontest.Store
	listed, deleted int // what is left until then; negative: never
}

func (s *dyingStore) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		for r, err := range s.Store.Scan(ctx, r) {
			if s.listed == 0 {
				yield(nil, errDied)
				return
			}
			s.listed--
			if !yield(r, err) {
				return
			}
		}
	}
}

func (s *dyingStore) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if s.deleted == 0 {
		return errDied
	}
	s.deleted--
	return s.Store.DeleteUnchanged(ctx, old)
}

// ClearExpired removes one expired session in a batch.
func (s *dyingStore) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	return func(yield func(djsession.Cleared, error) bool) {
		var ended []string
		for record, err := range s.Store.Scan(ctx, djsession.Range{Expired: true}) {
			if err == nil && record.Expires.Before(r.Before) {
				ended = append(ended, record.Key)
			}
		}
		for _, key := range ended {
			err := errDied
			if s.deleted != 0 {
				s.deleted--
				err = s.Delete(ctx, key)
			}
			if err != nil {
				yield(djsession.Cleared{}, err)
				return
			}
			if !yield(djsession.Cleared{Removed: 1}, nil) {
				return
			}
		}
	}
}

// A job on a store that dies half-way returns the store's error, and a report of what it has done. When the store is back, a
// rerun does the rest.
func TestStoreThatDies(t *testing.T) {
	const sessions, until = 300, 150 // the job first reads some of them to check the settings
	one := ops.Job{Workers: 1}
	for _, c := range []struct {
		name string
		// run returns how far the job has come.
		run   func(ctx context.Context, store djsession.Store) (done int64, err error)
		store dyingStore
		first int64 // what the job does before the store dies; 0: some
		left  int64 // for the rerun
	}{
		{"revoke, at a read", func(ctx context.Context, store djsession.Store) (int64, error) {
			r, err := ops.Revoke(ctx, store, ops.Revocation{Job: one, Of: ops.EverySession})
			return r.Revoked, err
		}, dyingStore{listed: until, deleted: -1}, 0, 0},
		{"revoke, at a deletion", func(ctx context.Context, store djsession.Store) (int64, error) {
			r, err := ops.Revoke(ctx, store, ops.Revocation{Job: one, Of: ops.EverySession})
			return r.Revoked, err
		}, dyingStore{listed: -1, deleted: until}, until, sessions - until},
		{"clear-expired", func(ctx context.Context, store djsession.Store) (int64, error) {
			r, err := ops.ClearExpired(ctx, store, ops.ClearOptions{})
			return r.Removed, err
		}, dyingStore{listed: -1, deleted: 5}, 5, 5},
		{"stats", func(ctx context.Context, store djsession.Store) (int64, error) {
			s, err := ops.Stats(ctx, store, ops.StatsOptions{Job: one})
			return s.Live, err
		}, dyingStore{listed: until, deleted: -1}, until, sessions},
		{"verify", func(ctx context.Context, store djsession.Store) (int64, error) {
			r, err := ops.Verify(ctx, store, ops.VerifyOptions{Job: one})
			return r.Read, err
		}, dyingStore{listed: until, deleted: -1}, until, sessions},
		{"find", func(ctx context.Context, store djsession.Store) (found int64, err error) {
			for r, err := range ops.Find(ctx, store, ops.Search{Workers: 1}) {
				if r == nil {
					return found, err
				}
				found++
			}
			return found, nil
		}, dyingStore{listed: until, deleted: -1}, until, sessions},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // revoke waits between passes
			store := &c.store
			store.Store = memory(t)
			fill(t, store, sessions)
			if c.name == "clear-expired" {
				for range 10 {
					if _, err := store.Create(t.Context(), "", nil, time.Now().Add(-time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
			}
			done, err := c.run(t.Context(), store)
			if !errors.Is(err, errDied) || done == 0 || c.first > 0 && done != c.first {
				t.Errorf("%d done, %v", done, err)
			}
			store.listed, store.deleted = -1, -1
			left := c.left
			if left == 0 {
				left = sessions - done
			}
			if done, err := c.run(t.Context(), store); err != nil || done != left {
				t.Errorf("the rerun: %d done, %v; want %d", done, err, left)
			}
		})
	}
}
