package djsession

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Save stores the session now: most programs leave that to Manager.Handler, which
// does it when the response begins. A new session gets its key. A session that
// was deleted meanwhile is ErrSessionDeleted. After an ErrOutcomeUnknown, or another error
// that does not say whether the session was saved, every further Save returns that error,
// so that the changes are not made twice.
func (s *Session) Save(ctx context.Context) error {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	if s.failed != nil && nothingDone(s.failed) {
		s.failed = nil
	}
	return s.save(ctx)
}

// outcomeUnknown reports whether a save failed although it may have been done. If it were
// tried again, the changes could be made twice.
func (s *Session) outcomeUnknown() bool { return s.failed != nil && !nothingDone(s.failed) }

func (s *Session) save(ctx context.Context) (err error) {
	if s.failed != nil {
		return s.failed
	}
	o := s.m.observe(ctx, EventSave)
	defer func() {
		s.told, s.failed = err, err
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
		s.modified = true // the visitor has to learn the key
	}
	s.stored(record)
	return nil
}

// stored takes over what is stored now.
func (s *Session) stored(record *Record) {
	s.fresh = record.Key != s.Key()
	s.record, s.values, s.owned, s.changes = record, record.Values, false, nil
	s.unknown = ""
}

// create stores the values as a new session. A key that came with the request is
// never used: somebody could have made the visitor send it.
func (s *Session) create(ctx context.Context) (*Record, error) {
	if err := s.mayReplaceCookie(ctx); err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	if err := s.m.mayWrite(ctx); err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	key := s.m.newKey()
	if !s.m.keyIsSession { // if the key is the session, nothing is stored and the key is not known yet
		if err := s.m.checkCookie(key, s.values); err != nil {
			return nil, fmt.Errorf("new session: %w", err)
		}
	}
	return s.m.store.Create(ctx, key, s.values, time.Time{})
}

// mayReplaceCookie returns an error unless the cookie that the visitor came with may
// be replaced or deleted.
func (s *Session) mayReplaceCookie(ctx context.Context) error {
	if s.foreign {
		return ErrForeignCookie
	}
	return s.m.mayReplaceCookie(ctx, s.unknown)
}

// Flush ends the session: its values and what is stored of it go, now, and its
// cookie when the response begins. What is set afterwards is a new session.
func (s *Session) Flush(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	switch {
	case s.record != nil:
		o := s.m.observe(ctx, EventDelete)
		err = s.m.store.Delete(ctx, s.record.Key)
		if errors.Is(err, ErrNotFound) { // so somebody else ended it
			err = nil
		}
		if s.told = o.done(s.Key(), err); err != nil {
			return err
		}
	case s.unknown != "":
		if err := s.mayReplaceCookie(ctx); err != nil {
			return fmt.Errorf("flush %s: %w", ShortKey(s.unknown), err)
		}
	}
	s.record, s.values, s.owned, s.changes = nil, new(Values), true, nil
	s.unknown, s.moved, s.fresh, s.told, s.failed = "", false, false, nil, nil
	s.modified = true
	return nil
}

// CycleKey gives the session a new key and keeps what it holds, as is due when
// somebody logs in: a key that was known before is worth nothing then. The new
// session is stored and the old one deleted now, whether or not ctx ends
// meanwhile. If the old one was deleted by somebody else, it is ErrSessionDeleted.
// Any other error leaves the session as it was; or, when a connection broke and
// nobody knows whether the old one is still there, under the new key.
func (s *Session) CycleKey(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	if s.outcomeUnknown() {
		return s.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = s.m.saving(ctx)
	o := s.m.observe(ctx, EventSave)
	defer func() { s.told = o.done(s.Key(), err) }()
	record, err := s.create(ctx)
	if err != nil {
		return err
	}
	if old := s.Key(); old != "" {
		if record, err = s.move(ctx, record, o); err != nil {
			return err
		}
		s.moved = s.moved || !s.m.keyIsSession // a signed cookie stays good
	}
	s.stored(record)
	s.modified = true
	return nil
}

// move deletes the session's old record in favour of the new one, or the new one if
// that fails.
func (s *Session) move(ctx context.Context, record *Record, o *observation) (*Record, error) {
	moved, unsure, err := s.retire(ctx, record, o)
	switch {
	case err == nil:
		return moved, nil
	case unsure:
		// The old record may have been deleted. The new one is stored, so it is the
		// session from now on, and its cookie goes out with the error.
		s.stored(moved)
		s.moved, s.modified = true, true
		return nil, err
	}
	discarded := s.m.observe(ctx, EventDelete)
	discarded.done(record.Key, s.m.store.Delete(ctx, record.Key)) // nobody knows its key
	return nil, err
}

// retire deletes the session's old record, whose values are in moved. Concurrent writes
// to the old record are re-applied on the new one. With an error, unsure reports that
// the old record may have been deleted.
func (s *Session) retire(ctx context.Context, moved *Record, o *observation) (_ *Record, unsure bool, err error) {
	w := s.m.writer("cycle", o)
	old := s.record
	for attempt := 0; ; attempt++ {
		err := s.deleteOld(ctx, old)
		var conflict *ConflictError
		switch {
		case err == nil:
			return moved, false, nil
		case errors.Is(err, ErrNotFound):
			return nil, false, fmt.Errorf("cycle %s: %w", ShortKey(old.Key), ErrSessionDeleted)
		case !errors.As(err, &conflict):
			return moved, !nothingDone(err), err
		}
		if old, err = w.afterConflict(ctx, old, conflict.Current, attempt); err != nil {
			return nil, false, err
		}
		v, err := changed(old.Values, s.changes)
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

// nothingDone reports whether an error says that nothing was written.
func nothingDone(err error) bool {
	if errors.Is(err, ErrOutcomeUnknown) {
		return false
	}
	for _, refused := range []error{
		ErrInvalidExpiry, ErrTooLarge, ErrUnknownStore, ErrUnknownKey, ErrForeignCookie, ErrConflict, ErrReadOnly, ErrBusy, errNoCookie,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return errors.As(err, new(*PayloadError)) // what is there is not what would have been written
}
