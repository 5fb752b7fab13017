package ops

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sessionuser"
)

// Revocation are the options of Revoke.
type Revocation struct {
	Job
	// Of reports whether a session is to be revoked, by its values. It is called by several
	// goroutines, and again if a session has changed meanwhile. Default: those of the user UserID.
	// EverySession is all of them, and djauth.Auth.FindInactive returns an Of for users who are
	// deleted.
	Of func(ctx context.Context, v *djsession.Values) (bool, error)
	// UserID, if set, is the primary key of the user whose sessions are revoked. If the session table
	// has a column of users (djsession.UserScanner), only that user's rows are read.
	UserID string
	// Except, if set, reports whether the session of a key stays, such as the operator's own.
	Except func(key string) bool
}

// EverySession is a Revocation.Of for all sessions.
func EverySession(context.Context, *djsession.Values) (bool, error) { return true, nil }

// RevokeReport says what Revoke has done.
type RevokeReport struct {
	// Passes is how often the store was read.
	Passes int
	// Column is the column of users by which the sessions were found. It is empty if all live
	// sessions were read.
	Column string
	// Read counts the sessions that the first pass read, and Unreadable those of them that cannot be
	// read. These stay.
	Read, Unreadable int64
	// Revoked counts the sessions that were deleted or, with DryRun, that would be. Emptied counts
	// those of them that are empty and expired, but whose rows stay (djsession.ErrEmptied).
	Revoked, Emptied int64
	// Excepted counts the sessions that only Except has kept, and Failed those that could not be deleted.
	Excepted, Failed int64
	// Left is how many sessions the last pass still found. It is 0 if none is left.
	Left int64
}

// The store is read at most this often, with so much time between: a request that is under way can
// write back a session that it has loaded before.
const (
	maxPasses  = 3
	passPause  = time.Second
	maxChanges = 20 // of one session while it is being revoked
)

// Revoke deletes sessions: their users are logged out. Since Django keeps no index of users, it reads
// all live sessions, unless the table has a column of users. It reads them again until none is
// left, three times at most.
//
// A session is deleted only if it is still what was read. If it was changed meanwhile, Of decides
// again: a session that belongs to another user by then stays.
//
// Revoke deletes nothing if no live session opens. A store that cannot be listed, one that keeps
// only hashes of its keys, and the engine signed_cookies are an errors.ErrUnsupported.
func Revoke(ctx context.Context, store djsession.Store, options Revocation) (*RevokeReport, error) {
	r := &revocation{Revocation: options, store: store, report: new(RevokeReport)}
	if err := r.prepare(ctx); err != nil {
		return r.report, fmt.Errorf("ops: revoke: %w", err)
	}
	return r.report, r.run(ctx)
}

type revocation struct {
	Revocation
	store  djsession.Store
	byUser djsession.UserScanner // nil: all sessions are read
	report *RevokeReport

	found, revoked, emptied, excepted, failed atomic.Int64 // of a pass
}

func (r *revocation) prepare(ctx context.Context) error {
	if r.Of == nil && r.UserID != "" {
		r.Of = func(_ context.Context, v *djsession.Values) (bool, error) {
			id, ok := sessionuser.ID(v)
			return ok && id == r.UserID, nil
		}
	}
	if r.Of == nil {
		return errors.New("Revocation has neither Of nor UserID: EverySession revokes all sessions")
	}
	if users, ok := r.store.(djsession.UserScanner); ok && r.UserID != "" {
		if r.report.Column = users.UserColumn(); r.report.Column != "" {
			r.byUser = users
		}
	}
	return checkSettings(ctx, r.store)
}

// run reads the store until a pass finds nothing.
func (r *revocation) run(ctx context.Context) error {
	report := r.report
	for {
		err := r.pass(ctx)
		if err != nil || r.DryRun {
			return err
		}
		if report.Left = r.found.Load(); report.Left == 0 {
			return nil
		}
		if report.Passes == maxPasses {
			return nil
		}
		if err := sleep(ctx, passPause); err != nil {
			return err
		}
	}
}

// pass reads the store once.
func (r *revocation) pass(ctx context.Context) error {
	job, report := r.Job, r.report
	if report.Passes > 0 {
		job.Found = nil // the first pass has told of the unreadable sessions
	}
	p, err := newPass("revoke", &job, r.store)
	if err != nil {
		return err
	}
	if r.byUser != nil {
		p.scanner = ofUser{r.byUser, r.UserID}
	}
	for _, count := range []*atomic.Int64{&r.found, &r.revoked, &r.emptied, &r.excepted, &r.failed} {
		count.Store(0)
	}
	err = p.run(ctx, func(int) (handler, error) {
		return func(ctx context.Context, batch []*djsession.Record) (int, error) { return r.revokeAll(ctx, p, batch) }, nil
	})
	if report.Passes++; report.Passes == 1 {
		report.Read, report.Unreadable = p.readable+p.unreadable, p.unreadable
	}
	report.Revoked += r.revoked.Load()
	report.Emptied += r.emptied.Load()
	report.Excepted, report.Failed = r.excepted.Load(), r.failed.Load()
	return err
}

// revokeAll revokes the sessions of a batch.
func (r *revocation) revokeAll(ctx context.Context, p *pass, batch []*djsession.Record) (revoked int, err error) {
	for _, record := range batch {
		theirs, err := r.Of(ctx, record.Values)
		switch {
		case err != nil:
			return revoked, err
		case !theirs:
			continue
		case record.Key == "":
			return revoked, errHashedKeys
		case r.Except != nil && r.Except(record.Key):
			r.excepted.Add(1)
			continue
		}
		r.found.Add(1)
		if r.DryRun {
			r.revoked.Add(1)
			continue
		}
		done, err := r.revoke(ctx, record)
		switch {
		case err != nil && !isAboutSession(err):
			return revoked, err
		case err != nil:
			r.failed.Add(1)
			p.found(record, err)
		case done:
			revoked++
			r.revoked.Add(1)
		}
	}
	return revoked, nil
}

// revoke deletes a session if it is still to be revoked, and reports whether it did.
func (r *revocation) revoke(ctx context.Context, record *djsession.Record) (bool, error) {
	for range maxChanges {
		err := deleteUnchanged(ctx, r.store, record)
		var changed *djsession.ConflictError
		switch {
		case errors.Is(err, djsession.ErrEmptied):
			r.emptied.Add(1)
			return true, nil
		case errors.Is(err, djsession.ErrNotFound):
			return false, nil
		case !errors.As(err, &changed):
			return err == nil, err
		}
		record = changed.Current
		if theirs, err := r.Of(ctx, record.Values); err != nil || !theirs {
			return false, err
		}
	}
	return false, djsession.ErrConflict
}

// ofUser is a Scanner of the sessions of one user.
type ofUser struct {
	users djsession.UserScanner
	id    string
}

func (s ofUser) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return s.users.ScanUser(ctx, s.id, r)
}
