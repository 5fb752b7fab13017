package djsession

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Save stores the session now. Most programs leave that to Manager.Handler, which saves
// when the response begins. A new session gets its key. A session that was deleted in
// between is ErrSessionDeleted.
//
// After an ErrOutcomeUnknown, or another error that does not say whether the session was
// saved, every further Save returns that error, so that the changes are not made twice.
func (s *Session) Save(ctx context.Context) error {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	if s.saveErr != nil && nothingWritten(s.saveErr) {
		s.saveErr = nil
	}
	return s.save(ctx)
}

func (s *Session) save(ctx context.Context) (err error) {
	if s.saveErr != nil {
		return s.saveErr
	}
	o := s.m.observe(ctx, EventSave)
	defer func() {
		s.reported, s.saveErr = err, err
		o.done(s.Key(), err)
	}()
	var record *Record
	if s.record == nil {
		record, err = s.create(ctx)
	} else if err = s.m.mayWrite(ctx); err != nil {
		return fmt.Errorf("save %s: %w", ShortKey(s.Key()), err)
	} else {
		record, err = s.m.writer("save", o).replace(ctx, s.record, s.values, s.changes)
	}
	if err != nil {
		return err
	}
	if record.Key != s.Key() {
		s.modified = true // the visitor needs a cookie with the new key
	}
	s.stored(record)
	return nil
}

// stored makes a record that was just stored the base of the session.
func (s *Session) stored(record *Record) {
	s.noteStored(record.Key != s.Key())
	s.record, s.values, s.ownsValues, s.changes = record, record.Values, false, nil
}

// create stores the values as a new session. It never uses a key that came with the
// request, because an attacker could have made the visitor send it.
func (s *Session) create(ctx context.Context) (*Record, error) {
	if err := s.mayReplaceCookie(ctx); err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	if err := s.m.mayWrite(ctx); err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	key := s.m.newKey()
	if !s.m.selfContained { // if the key is the session, nothing is stored and the key is not known yet
		if err := s.m.checkCookie(key, s.values); err != nil {
			return nil, fmt.Errorf("new session: %w", err)
		}
	}
	return s.m.store.Create(ctx, key, s.values, time.Time{})
}

// mayReplaceCookie returns an error unless the visitor's cookie may be replaced or deleted.
func (s *Session) mayReplaceCookie(ctx context.Context) error {
	if s.cookie == cookieForeign {
		return ErrForeignCookie
	}
	return s.m.mayReplaceCookie(ctx, s.cookieValue)
}

// Flush ends the session: Django's flush. The values and the stored session are removed at
// once, and the cookie when the response begins. Values that are set later make a new
// session.
func (s *Session) Flush(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	switch {
	case s.record != nil:
		o := s.m.observe(ctx, EventDelete)
		err = s.m.store.Delete(ctx, s.record.Key)
		if errors.Is(err, ErrNotFound) { // another request has ended it
			err = nil
		}
		if s.reported = o.done(s.Key(), err); err != nil && !errors.Is(err, ErrEmptied) {
			return err
		}
	case s.cookie == cookieUnknown, s.cookie == cookieForeign:
		if err := s.mayReplaceCookie(ctx); err != nil {
			return fmt.Errorf("flush %s: %w", ShortKey(s.cookieValue), err)
		}
	}
	s.record, s.values, s.ownsValues, s.changes = nil, new(Values), true, nil
	s.noteFlushed()
	return nil
}

// CycleKey gives the session a new key and keeps its values: Django's cycle_key. A login
// needs it, because a key that was known before must not be valid afterwards. The new
// session is stored and the old one deleted at once, even if ctx ends in between.
//
// If the old session was deleted by another request, the error is ErrSessionDeleted. Any
// other error leaves the session as it was. But if the answer to the deletion was lost, the
// session has its new key.
func (s *Session) CycleKey(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	if s.outcomeUnknown() {
		return s.saveErr
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = s.m.saveContext(ctx)
	o := s.m.observe(ctx, EventSave)
	defer func() { s.reported = o.done(s.Key(), err) }()
	record, err := s.create(ctx)
	if err != nil {
		return err
	}
	if old := s.Key(); old != "" {
		if record, err = s.replaceOld(ctx, record, o); err != nil {
			return err
		}
		if !s.m.selfContained { // a signed cookie stays valid
			s.cookie = cookieStale
		}
	}
	s.stored(record)
	s.modified = true
	return nil
}

// replaceOld deletes the session's old record and returns the new one. If it cannot delete the
// old record, it ends the new one.
func (s *Session) replaceOld(ctx context.Context, record *Record, o *observation) (*Record, error) {
	moved, unsure, err := s.mergeAndDeleteOld(ctx, record, o)
	switch {
	case err == nil:
		return moved, nil
	case unsure:
		// The old record may have been deleted. The new one is stored, so it is the
		// session from now on, and its cookie goes out with the error.
		s.stored(moved)
		s.cookie, s.modified = cookieStale, true
		return nil, err
	}
	discarded := s.m.observe(ctx, EventDelete)
	discarded.done(record.Key, s.discard(ctx, record))
	return nil, err
}

// discard ends a new record. No visitor has its key, but an operator must not find the session
// among the live ones. If the record cannot be deleted, because the database user lacks that right,
// it is emptied and expires.
func (s *Session) discard(ctx context.Context, record *Record) error {
	err := s.m.store.Delete(ctx, record.Key)
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrEmptied) {
		return err
	}
	now := s.m.settings().Now()
	_, emptyErr := s.m.store.Replace(ctx, record, nil, now)
	if conflict := (*ConflictError)(nil); errors.As(emptyErr, &conflict) { // it was written again in mergeAndDeleteOld
		s.m.store.Replace(ctx, conflict.Current, nil, now)
	}
	return err
}

// mergeAndDeleteOld deletes the session's old record, whose values are in moved. Concurrent writes
// to the old record are re-applied on the new one. With an error, unsure reports that
// the old record may have been deleted.
func (s *Session) mergeAndDeleteOld(ctx context.Context, moved *Record, o *observation) (_ *Record, unsure bool, err error) {
	w := s.m.writer("cycle", o)
	old := s.record
	for attempt := 0; ; attempt++ {
		err := s.deleteOld(ctx, old)
		var conflict *ConflictError
		switch {
		case errors.Is(err, ErrEmptied):
			s.m.report(ctx, Event{Kind: EventDelete, Session: ShortKey(old.Key), Err: err})
			return moved, false, nil
		case err == nil:
			return moved, false, nil
		case errors.Is(err, ErrNotFound):
			return nil, false, fmt.Errorf("cycle %s: %w", ShortKey(old.Key), ErrSessionDeleted)
		case !errors.As(err, &conflict):
			return moved, !nothingWritten(err), err
		}
		if old, err = w.afterConflict(ctx, old, conflict.Current, attempt); err != nil {
			return nil, false, err
		}
		v, err := applyAll(old.Values, s.changes)
		if err != nil {
			return nil, false, err
		}
		if moved, err = w.replace(ctx, moved, v, nil); err != nil {
			return nil, false, err
		}
	}
}

// deleteOld deletes the old record of a session that has moved. If the store is an
// UnchangedDeleter, it does so only if the record is unchanged.
func (s *Session) deleteOld(ctx context.Context, old *Record) error {
	if d, ok := s.m.store.(UnchangedDeleter); ok && !s.m.Overwrite {
		return d.DeleteUnchanged(ctx, old)
	}
	err := s.m.store.Delete(ctx, old.Key)
	if errors.Is(err, ErrNotFound) && s.m.Overwrite {
		return nil
	}
	return err
}

// nothingWritten reports whether an error says that nothing was written.
func nothingWritten(err error) bool {
	if errors.Is(err, ErrOutcomeUnknown) {
		return false
	}
	for _, refused := range []error{
		ErrInvalidExpiry, ErrTooLarge, ErrUnknownStore, ErrUnknownKey, ErrForeignCookie, ErrConflict, ErrReadOnly, ErrDenied, ErrBusy, errNoCookie,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return errors.As(err, new(*PayloadError)) // the stored session is not what the save would have written
}
