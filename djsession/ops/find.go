package ops

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/djsess/djsess/djsession"
)

// Search are the options of Find. The zero Search finds all live sessions.
type Search struct {
	// Workers is how many goroutines read. Default: one for each processor.
	Workers int
	// Expired also finds sessions that have expired and are still stored.
	Expired bool
	// Fits reports whether a session is one to find. It is called by several goroutines. Default:
	// all sessions.
	Fits func(*djsession.Record) bool
	// ByExpiry yields those first that end first or, with LastFirst, those that end last. The store
	// must be a djsession.ExpiryScanner, and one goroutine reads.
	ByExpiry, LastFirst bool
}

// Find yields the sessions of a store that fit: those of the store's first part, then those of the
// next. In a database that is the order of the keys. A session that cannot be read is yielded as by
// Scan.
//
// Each worker reads a part of the store. The sessions of the later parts wait in memory for those of
// the earlier ones, up to a megabyte for each worker. So Find is as fast as all workers if few
// sessions fit, such as those of one user, and as one worker if all do.
func Find(ctx context.Context, store djsession.Store, s Search) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		scan, parts, err := s.scan(store)
		if err != nil {
			yield(nil, fmt.Errorf("ops: find: %w", err))
			return
		}
		reading, cancel := context.WithCancel(ctx)
		queues := make([]*findings, parts)
		var all sync.WaitGroup
		defer func() {
			cancel()
			all.Wait()
		}()
		for i := range queues {
			q := newFindings(reading)
			queues[i] = q
			all.Go(func() {
				defer q.end()
				for r, err := range scan(reading, djsession.Range{Expired: s.Expired, Part: i, Parts: parts}) {
					if err == nil && s.Fits != nil && !s.Fits(r) {
						continue
					}
					if !q.add(found{r, err}) {
						return
					}
				}
			})
		}
		for _, q := range queues {
			for f := range q.all() {
				if !yield(f.record, f.err) || f.record == nil {
					return
				}
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(nil, err) // a worker may have ended early
		}
	}
}

// scan returns how to read a part of the store, and in how many parts.
func (s *Search) scan(store djsession.Store) (scan func(context.Context, djsession.Range) iter.Seq2[*djsession.Record, error], parts int, err error) {
	scanner, ok := store.(djsession.Scanner)
	if !ok {
		return nil, 0, fmt.Errorf("the store cannot list its sessions: %w", errors.ErrUnsupported)
	}
	if s.ByExpiry {
		ordered, ok := store.(djsession.ExpiryScanner)
		if !ok {
			return nil, 0, fmt.Errorf("the store cannot list its sessions by their ends: %w", errors.ErrUnsupported)
		}
		return func(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
			return ordered.ScanByExpiry(ctx, r, s.LastFirst)
		}, 1, nil
	}
	job := Job{Workers: s.Workers}
	if s.Fits == nil {
		job.Workers = 1 // the others would only wait
	}
	parts, _, _, err = job.workers()
	return scanner.Scan, parts, err
}

// found is what a scan yields.
type found struct {
	record *djsession.Record
	err    error
}

// findings is a queue between a worker and the caller of Find.
type findings struct {
	ctx     context.Context
	mu      sync.Mutex
	changed sync.Cond
	queue   []found
	bytes   int
	ended   bool
}

func newFindings(ctx context.Context) *findings {
	q := &findings{ctx: ctx}
	q.changed.L = &q.mu
	context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	return q
}

// add waits until there is room, and adds. It returns false if ctx has ended, except that an error
// which ends a scan is always added.
func (q *findings) add(f found) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queue) > 0 && q.bytes >= batchBytes && q.ctx.Err() == nil {
		q.changed.Wait()
	}
	if q.ctx.Err() != nil && f.record != nil {
		return false
	}
	q.queue = append(q.queue, f)
	q.bytes += f.size()
	q.changed.Signal()
	return true
}

// end says that nothing follows.
func (q *findings) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Signal()
}

// all yields what the worker adds, until it ends.
func (q *findings) all() iter.Seq[found] {
	return func(yield func(found) bool) {
		for {
			batch := q.take()
			if len(batch) == 0 {
				return
			}
			for _, f := range batch {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// take waits for findings, and takes them all. There are none when the worker has ended.
func (q *findings) take() []found {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.queue) == 0 && !q.ended {
		q.changed.Wait()
	}
	batch := q.queue
	q.queue, q.bytes = nil, 0
	q.changed.Signal()
	return batch
}

// size is about how much memory a finding takes.
func (f found) size() int {
	const record = 500
	if f.record == nil || f.record.Values == nil {
		return record
	}
	return record + f.record.Values.Size()
}
