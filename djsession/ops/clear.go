package ops

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
)

// ClearOptions are the options of ClearExpired. The zero ClearOptions clears all.
type ClearOptions struct {
	// OlderThan keeps sessions that have ended more recently.
	OlderThan time.Duration
	// Batch is how many sessions are removed at once, at most. Batches begin smaller, and shrink
	// when the store is slow. Default: 50.
	Batch int
	// MaxRate is how many sessions are removed a second, at most. Default: no limit.
	MaxRate float64
	// DryRun counts the sessions and removes none.
	DryRun bool
	// Progress, if set, is told after each batch how far the job has come. It is called by one
	// goroutine at a time.
	Progress func(Progress)
}

// ClearReport says what ClearExpired has done.
type ClearReport struct {
	// Removed counts the sessions that were removed or, with DryRun, that would be.
	Removed int64
	// Referenced counts expired sessions that stay because rows of another table point at them.
	// Django's clearsessions removes them with these rows.
	Referenced int64
	// Unreadable counts sessions that stay because their end cannot be read.
	Unreadable int64
	// Before and After are how much room the store took before and after. A store that is no
	// djsession.Sizer leaves them nil. After is nil if nothing was removed.
	Before, After *djsession.StoreSize
}

// ErrEndsTooEarly: the expiries of the sessions do not fit the times at which they were saved.
var ErrEndsTooEarly = errors.New("the newest sessions seem to end earlier than they were saved for: are USE_TZ, TIME_ZONE and SESSION_COOKIE_AGE the site's?")

// ClearExpired removes the expired sessions of a store, as Django's clearsessions does, but in
// batches with pauses between them. A pause is as long as the batch took, and longer if the store
// has become slower, so that the site has at least half of the store's time. It keeps no state: it
// can be stopped and run again, and several may run at the same time.
//
// It removes nothing if no live session opens, or if the times in the store do not fit the settings
// (ErrEndsTooEarly). A store that removes expired sessions by itself is a
// djsession.ErrExpiresByItself, and a table without an index on the expiry a
// djsession.ErrNoExpiryIndex.
func ClearExpired(ctx context.Context, store djsession.Store, options ClearOptions) (*ClearReport, error) {
	report := new(ClearReport)
	clearer, err := options.clearer(ctx, store)
	if err != nil {
		return report, fmt.Errorf("ops: clear expired: %w", err)
	}
	report.Before = sizeOf(ctx, store)
	err = options.clear(ctx, store, clearer, report)
	if report.Removed > 0 && !options.DryRun {
		report.After = sizeOf(context.WithoutCancel(ctx), store)
	}
	return report, err
}

// sizeOf returns the size of a store, or nil: the job does not fail for it, and does not wait long.
func sizeOf(ctx context.Context, store djsession.Store) *djsession.StoreSize {
	sizer, ok := store.(djsession.Sizer)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	size, err := sizer.Size(ctx)
	if err != nil || size == djsession.UnknownSize {
		return nil
	}
	return &size
}

// clearer returns the store as a djsession.ExpiredClearer, if it should be cleared.
func (o *ClearOptions) clearer(ctx context.Context, store djsession.Store) (djsession.ExpiredClearer, error) {
	clearer, ok := store.(djsession.ExpiredClearer)
	switch s, own := store.(djsession.SelfContained); {
	case own && s.KeyIsSession():
		return nil, fmt.Errorf("the sessions are in the visitors' cookies: %w", djsession.ErrExpiresByItself)
	case !ok:
		return nil, fmt.Errorf("the store cannot find its expired sessions: %w", errors.ErrUnsupported)
	}
	err := checkSettings(ctx, store)
	if err == nil && o.OlderThan < longestShift {
		err = checkEnds(ctx, store)
	}
	return clearer, err
}

// clear removes the sessions. An error of the store says itself what was being done.
func (o ClearOptions) clear(ctx context.Context, store djsession.Store, clearer djsession.ExpiredClearer, report *ClearReport) error {
	p := newPace(o)
	request := djsession.ClearRequest{
		Before: store.Settings().Now().Add(-o.OlderThan), DryRun: o.DryRun, Limit: p.limit,
	}
	stop := o.countExpired(ctx, store, clearer, request)
	defer stop()
	started := time.Now()
	begun := started
	working := ctx
	if !o.DryRun {
		working = context.WithoutCancel(ctx) // a batch is never left half-way
	}
	for cleared, err := range clearer.ClearExpired(working, request) {
		report.Removed += int64(cleared.Removed)
		report.Referenced += int64(cleared.Referenced)
		report.Unreadable += int64(cleared.Unreadable)
		if err != nil {
			return err
		}
		now := time.Now()
		o.tell(Progress{Read: report.Removed + report.Referenced, Written: report.Removed, Elapsed: now.Sub(started)})
		if err := sleep(ctx, p.after(cleared.Removed+cleared.Referenced, now.Sub(begun), cleared.Referenced > 0)); err != nil {
			return err
		}
		begun = time.Now()
	}
	return nil
}

// sleep waits, or returns the error of a context that ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// countExpired counts in the background how many sessions a database has to remove, and adds that
// to the Progress. The returned function ends it.
func (o *ClearOptions) countExpired(ctx context.Context, store djsession.Store, clearer djsession.ExpiredClearer, request djsession.ClearRequest) (stop func()) {
	if _, ok := store.(djsession.SQLStore); !ok || o.Progress == nil || o.DryRun {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var total int64
	tell := o.Progress
	o.Progress = func(p Progress) {
		mu.Lock()
		p.Total = total
		mu.Unlock()
		tell(p)
	}
	var counting sync.WaitGroup
	counting.Go(func() {
		request.DryRun = true
		for cleared, err := range clearer.ClearExpired(ctx, request) {
			if err != nil {
				return // the job itself reports it
			}
			mu.Lock()
			total += int64(cleared.Removed)
			mu.Unlock()
		}
	})
	return func() {
		cancel()
		counting.Wait()
	}
}

func (o *ClearOptions) tell(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}
