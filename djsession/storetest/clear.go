package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
)

func clears(f *fixture) bool {
	_, ok := f.store.(djsession.ExpiredClearer)
	return ok && !f.OwnClock
}

// clear clears the store in batches and returns the sum. It stops after so many batches, or never
// if that is 0.
func (f *fixture) clear(ctx context.Context, r djsession.ClearRequest, batches int) (sum djsession.Cleared, err error) {
	for cleared, err := range f.store.(djsession.ExpiredClearer).ClearExpired(ctx, r) {
		if err != nil {
			return sum, err
		}
		if !r.DryRun && cleared.Removed > r.Limit() {
			f.Errorf("a batch removed %d sessions, and the limit is %d", cleared.Removed, r.Limit())
		}
		sum.Removed += cleared.Removed
		sum.Referenced += cleared.Referenced
		sum.Unreadable += cleared.Unreadable
		if batches--; batches == 0 {
			break
		}
	}
	return sum, nil
}

// testClearExpired tests that the sessions which have ended before a time are removed, and no
// others.
func testClearExpired(f *fixture) {
	ctx, start := f.Context(), f.given.Now()
	const each, limit = 25, 10
	keys := map[time.Duration][]string{}
	for _, life := range []time.Duration{time.Hour, 2 * time.Hour, 10 * time.Hour} {
		for range each {
			r, err := f.store.Create(ctx, "", f.values(`{"a":1}`), start.Add(life))
			if err != nil {
				f.Fatal(err)
			}
			keys[life] = append(keys[life], r.Key)
		}
	}
	saved := keys[time.Hour][0]
	if _, err := f.store.Replace(ctx, f.asStored(saved), f.values(`{"a":2}`), start.Add(10*time.Hour)); err != nil {
		f.Fatal(err)
	}
	request := func(before time.Duration) djsession.ClearRequest {
		return djsession.ClearRequest{Before: start.Add(before), Limit: func() int { return limit }}
	}
	removes := func(what string, r djsession.ClearRequest, batches, want int) {
		f.Helper()
		if got, err := f.clear(ctx, r, batches); err != nil || got != (djsession.Cleared{Removed: want}) {
			f.Errorf("ClearExpired of %s: %+v, %v; want %d removed", what, got, err, want)
		}
	}
	switch _, err := f.clear(ctx, request(0), 0); {
	case errors.Is(err, djsession.ErrExpiresByItself):
		f.isOpError("ClearExpired", "", err)
		return
	case err != nil:
		f.Fatalf("ClearExpired of a store without expired sessions: %v", err)
	}
	f.clock.move(5 * time.Hour)
	rehearsal := request(5 * time.Hour)
	rehearsal.DryRun = true
	removes("all, as a dry run", rehearsal, 0, 2*each-1)
	removes("all, as a dry run once more", rehearsal, 0, 2*each-1)
	removes("those that ended long ago", request(90*time.Minute), 0, each-1)
	removes("those that ended long ago, again", request(90*time.Minute), 0, 0)
	some, err := f.clear(ctx, request(5*time.Hour), 1)
	if err != nil {
		f.Errorf("ClearExpired that is stopped after a batch: %v", err)
	}
	removes("the rest", request(5*time.Hour), 0, each-some.Removed)
	removes("nothing", rehearsal, 0, 0)
	for _, key := range keys[10*time.Hour] {
		f.holds(key, `{"a":1}`)
	}
	f.holds(saved, `{"a":2}`)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.clear(ended, request(5*time.Hour), 0); !errors.Is(err, context.Canceled) {
		f.Errorf("ClearExpired with a context that has ended: %v", err)
	}
}

// asStored returns the record of a session with its Version.
func (f *fixture) asStored(key string) *djsession.Record {
	f.Helper()
	r := f.load(key)
	if r.Version != nil {
		return r
	}
	var conflict *djsession.ConflictError
	if _, err := f.store.Replace(f.Context(), r, r.Values, time.Time{}); !errors.As(err, &conflict) {
		f.Fatalf("Replace of a record without a Version: %v", err)
	}
	return conflict.Current
}
