package djsession

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Save stores the session now: most programs leave that to Manager.Handler, which
// does it when the response begins. A new session gets its key. A session that
// was deleted meanwhile is ErrSessionDeleted.
func (s *Session) Save(ctx context.Context) error {
	s.accessed = true
	if err := s.writable(); err != nil {
		return err
	}
	if !errors.Is(s.failed, ErrSessionDeleted) { // which does not come back
		s.failed = nil
	}
	return s.save(ctx)
}

// outcomeUnknown tells whether a save failed that may have been done all the same,
// and would be done twice if it were tried again.
func (s *Session) outcomeUnknown() bool { return s.failed != nil && !nothingDone(s.failed) }

func (s *Session) save(ctx context.Context) (err error) {
	if s.failed != nil {
		// It may have been saved, and must not be twice.
		return s.failed
	}
	o := s.m.observe(ctx, EventSave)
	defer func() {
		s.told, s.failed = err, err
		o.done(s.Key(), err)
	}()
	if s.interrupted {
		return fmt.Errorf("save %s: %w", ShortKey(s.unknown), ErrSessionDeleted)
	}
	var record *Record
	if s.record == nil {
		record, err = s.create(ctx)
	} else {
		w := s.m.writer("save", o)
		record, err = w.replace(ctx, s.record, s.values, s.changes)
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
	s.record, s.values, s.owned, s.changes = record, record.Values, false, nil
	s.unknown, s.interrupted, s.outlived = "", false, false
	s.saved = true
}

// create stores the values as a new session. A key that came with the request is
// never used: somebody could have made the visitor send it.
func (s *Session) create(ctx context.Context) (*Record, error) {
	if err := s.m.knowsStore(ctx, s.unknown); err != nil {
		return nil, fmt.Errorf("new session: %w", err)
	}
	return s.m.store.Create(ctx, s.m.newKey(), s.values, time.Time{})
}

// Flush ends the session: its values and what is stored of it go, now, and its
// cookie when the response begins. What is set afterwards is a new session.
func (s *Session) Flush(ctx context.Context) (err error) {
	if err := s.writable(); err != nil {
		return err
	}
	if s.unknown != "" {
		if err := s.m.knowsStore(ctx, s.unknown); err != nil {
			return fmt.Errorf("flush %s: %w", ShortKey(s.unknown), err)
		}
		if err := s.forgetUnseen(ctx, !s.accessed); err != nil {
			return err
		}
	}
	if s.record != nil {
		o := s.m.observe(ctx, EventDelete)
		err = s.m.store.Delete(ctx, s.record.Key)
		if errors.Is(err, ErrNotFound) { // so somebody else ended it
			err = nil
		}
		if s.told = o.done(s.Key(), err); err != nil {
			return err
		}
	}
	s.record, s.values, s.owned, s.changes = nil, new(Values), true, nil
	s.unknown, s.interrupted, s.outlived, s.moved, s.told = "", false, false, false, nil
	s.accessed, s.modified, s.saved, s.failed = true, true, false, nil
	return nil
}

// forgetUnseen deletes what the store may have under a key that it does not know as
// a live session's: Django, which has not looked yet, deletes by the key alone.
func (s *Session) forgetUnseen(ctx context.Context, unseen bool) error {
	if !unseen || s.unknown == "" {
		return nil
	}
	o := s.m.observe(ctx, EventDelete)
	err := s.m.store.Delete(ctx, s.unknown)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalidKey) {
		return nil
	}
	return o.done(s.unknown, err)
}

// CycleKey gives the session a new key and keeps what it holds, as is due when
// somebody logs in: a key that was known before is worth nothing then. The new
// session is stored and the old one deleted now, whether or not ctx ends
// meanwhile. If the old one was deleted by somebody else, it is ErrSessionDeleted.
// Any other error leaves the session as it was; or, when a connection broke and
// nobody knows whether the old one is still there, under the new key.
func (s *Session) CycleKey(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.writable(); err != nil {
		return err
	}
	if s.outcomeUnknown() {
		return s.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.m.sessionCookie(s); err != nil && ValidateKey(s.Key()) == nil { // the visitor would not learn the new key
		return fmt.Errorf("cycle %s: %w", ShortKey(s.Key()), err)
	}
	ctx = s.m.lasting(ctx)
	o := s.m.observe(ctx, EventSave)
	defer func() { s.told = o.done(s.Key(), err) }()
	if err := s.forgetUnseen(ctx, s.interrupted); err != nil {
		return err
	}
	record, err := s.create(ctx)
	if err != nil {
		return err
	}
	if old := s.Key(); old != "" {
		if record, err = s.move(ctx, record, o); err != nil {
			return err
		}
		// One that is no key of a store is a signed cookie, which stays good.
		s.moved = s.moved || ValidateKey(old) == nil
	}
	s.stored(record)
	s.modified = true
	return nil
}

// move ends the old record in favour of the new one, or the new one if that fails.
func (s *Session) move(ctx context.Context, record *Record, o *observation) (*Record, error) {
	moved, err := s.retire(ctx, record, o)
	var unknown *unknownOutcome
	switch {
	case err == nil:
		return moved, nil
	case errors.As(err, &unknown):
		// Nobody knows which rows are left but for the new one, which was stored:
		// that is the session now, and its cookie goes out with the error.
		s.stored(unknown.moved)
		s.moved, s.modified = true, true
		return nil, err
	}
	s.discard(ctx, record.Key)
	return nil, err
}

// unknownOutcome is a deletion of the old record that may have been done, or may be
// yet.
type unknownOutcome struct {
	error
	moved *Record
}

func (e *unknownOutcome) Unwrap() error { return e.error }

// discard deletes a session of which nobody knows the key.
func (s *Session) discard(ctx context.Context, key string) {
	o := s.m.observe(ctx, EventDelete)
	o.done(key, s.m.store.Delete(ctx, key))
}

// retire deletes the session's old record, whose values are in moved. What
// somebody else wrote to the old one meanwhile goes to the new one.
func (s *Session) retire(ctx context.Context, moved *Record, o *observation) (*Record, error) {
	deleter, ok := s.m.store.(UnchangedDeleter)
	if !ok || s.m.Overwrite {
		err := s.m.store.Delete(ctx, s.record.Key)
		switch {
		case errors.Is(err, ErrNotFound) && s.m.Overwrite:
			return moved, nil
		case errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("cycle %s: %w", ShortKey(s.record.Key), ErrSessionDeleted)
		case err != nil && !nothingDone(err):
			return nil, &unknownOutcome{err, moved}
		}
		return moved, err
	}
	w := s.m.writer("cycle", o)
	old, doubt := s.record, false
	for attempt := 0; ; attempt++ {
		err := deleter.DeleteUnchanged(ctx, old)
		var conflict *ConflictError
		switch {
		case err == nil, doubt && errors.Is(err, ErrNotFound):
			return moved, nil
		case errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("cycle %s: %w", ShortKey(old.Key), ErrSessionDeleted)
		case errors.As(err, &conflict):
		case nothingDone(err):
			return nil, err
		case doubt:
			return nil, &unknownOutcome{err, moved}
		default:
			doubt = true // once more, on another connection
			continue
		}
		if old, err = w.lost(ctx, old, conflict.Current, attempt); err != nil {
			return nil, err
		}
		v, err := changed(old.Values, s.changes)
		if err != nil {
			return nil, err
		}
		if moved, err = w.replace(ctx, moved, v, nil); err != nil {
			return nil, err
		}
	}
}

// nothingDone tells whether a store's error says that it has not written.
func nothingDone(err error) bool {
	for _, refused := range []error{ErrInvalidExpiry, ErrTooLarge, ErrUnknownStore, ErrConflict, ErrReadOnly, ErrBusy} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return errors.As(err, new(*PayloadError)) // what is there is not what would have been written
}
