package ops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
)

// ErrNoneReadable: the first hundred sessions could not be read, so the job has stopped.
var ErrNoneReadable = errors.New("none of the first sessions can be read: are SECRET_KEY, DJANGO_VERSION and the store the site's?")

// errSampled ends a pass that has read as many sessions as it should.
var errSampled = errors.New("the sample is complete")

// mostUnreadable is how many sessions may be unreadable before the first one that is not.
const mostUnreadable = 100

// pass reads the sessions of a store once, by several workers, and counts for all of them.
type pass struct {
	job     *Job
	scanner djsession.Scanner
	name    string // of the job, for errors
	whole   djsession.Range
	// passOver, if set, is told of each session that cannot be read. It reports whether that needs no report.
	passOver func(r *djsession.Record, err error) bool
	// sample, if positive, is after how many sessions the pass ends, with errSampled.
	sample int64
	taken  atomic.Int64

	mu         sync.Mutex
	started    time.Time
	progress   Progress
	readable   int64
	unreadable int64
}

// newPass returns a pass over the live sessions of a store.
func newPass(name string, job *Job, store djsession.Store) (*pass, error) {
	p := &pass{job: job, name: name, started: time.Now()}
	var ok bool
	if p.scanner, ok = store.(djsession.Scanner); !ok {
		return nil, fmt.Errorf("ops: %s: the store cannot list its sessions: %w", name, errors.ErrUnsupported)
	}
	return p, nil
}

// workers returns how many goroutines read, and which part of the store the first one reads.
func (j *Job) workers() (workers, first, parts int, err error) {
	shard, shards := max(j.Shard, 1), max(j.Shards, 1)
	workers = j.Workers
	if workers <= 0 {
		workers = max(min(runtime.GOMAXPROCS(0), djsession.MaxParts/shards), 1)
	}
	if j.Shard < 0 || j.Shards < 0 || shard > shards {
		return 0, 0, 0, fmt.Errorf("ops: shard %d of %d: shards are counted from 1", j.Shard, j.Shards)
	}
	return workers, (shard - 1) * workers, shards * workers, nil
}

// handler does the work on a batch of sessions and returns how many it wrote. Its context does not end with the job's, so that a
// batch is never left half-way.
type handler func(ctx context.Context, batch []*djsession.Record) (written int, err error)

// run reads the whole store. newHandler is called once for each worker, before any of them starts.
func (p *pass) run(ctx context.Context, newHandler func(worker int) (handler, error)) error {
	workers, first, parts, err := p.job.workers()
	if err != nil {
		return err
	}
	handlers := make([]handler, workers)
	for w := range handlers {
		if handlers[w], err = newHandler(w); err != nil {
			return err
		}
	}
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	all.Go(func() { p.count(reading) })
	var scans sync.WaitGroup
	for w, handle := range handlers {
		part := p.whole
		part.Part, part.Parts = first+w, parts
		scans.Go(func() {
			if err := p.scan(reading, part, handle); err != nil {
				cancel(err) // the first error is the one to report
			}
		})
	}
	scans.Wait()
	err = context.Cause(reading)
	cancel(nil)
	all.Wait()
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("ops: %s: %w", p.name, err)
	}
	return err
}

// count learns how many sessions there are, for Progress. In a large table that takes a while.
func (p *pass) count(ctx context.Context) {
	counter, ok := p.scanner.(djsession.Counter)
	if !ok || p.job.Progress == nil || p.job.Shards > 1 || p.whole.Expired { // it counts the live sessions
		return
	}
	if total, err := counter.Count(ctx); err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.progress.Total = total
	}
}

// A batch has at most this many sessions, and ends when it has this many bytes.
const (
	batchSessions = 500
	batchBytes    = 1 << 20
)

// scan reads a part of the store in batches.
func (p *pass) scan(ctx context.Context, part djsession.Range, handle handler) error {
	var batch []*djsession.Record
	bytes := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		written, err := handle(context.WithoutCancel(ctx), batch)
		p.done(len(batch), written)
		clear(batch) // it must not keep large sessions in memory
		batch, bytes = batch[:0], 0
		return err
	}
	for r, err := range p.scanner.Scan(ctx, part) {
		if p.sample > 0 && r != nil && p.taken.Add(1) > p.sample {
			return cmp.Or(flush(), errSampled)
		}
		var payload *djsession.PayloadError
		switch {
		case err == nil:
			p.mu.Lock()
			p.readable++
			p.mu.Unlock()
			batch = append(batch, r)
			bytes += r.Values.Size()
		case r != nil && errors.As(err, &payload):
			if p.passOver != nil && p.passOver(r, err) {
				break
			}
			if err := p.unread(r, err); err != nil {
				return err
			}
		case ctx.Err() != nil:
			if err := flush(); err != nil {
				return err
			}
			return context.Cause(ctx)
		default:
			// What was read before is written, so that a rerun has less to do.
			return errors.Join(err, flush())
		}
		if len(batch) < batchSessions && bytes < batchBytes {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return flush()
}

// done counts sessions that a worker has dealt with.
func (p *pass) done(read, written int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.progress.Read += int64(read)
	p.progress.Written += int64(written)
	p.progress.Elapsed = time.Since(p.started)
	if p.job.Progress != nil {
		p.job.Progress(p.progress)
	}
}

// found reports a finding.
func (p *pass) found(r *djsession.Record, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.job.Found != nil {
		p.job.Found(Finding{Key: r.Key, Name: r.Name, Err: err})
	}
}

// unread counts and reports a session that cannot be read. Its error ends the job.
func (p *pass) unread(r *djsession.Record, err error) error {
	p.found(r, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unreadable++
	switch {
	case p.job.StopAtUnreadable:
		return fmt.Errorf("session %s: %w", djsession.ShortKey(r.Key), err)
	case p.unreadable >= mostUnreadable && p.readable == 0:
		return fmt.Errorf("%w (%w)", ErrNoneReadable, err)
	}
	return nil
}
