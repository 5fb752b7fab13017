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
	return s.save(ctx)
}

func (s *Session) save(ctx context.Context) (err error) {
	if errors.Is(s.told, ErrSessionDeleted) {
		return s.told // it has not come back
	}
	o := s.m.observe(ctx, EventSave, s.Key())
	defer func() { s.told = o.done(s.Key(), err) }()
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
	if s.record == nil {
		s.modified = true // the visitor has to learn the key
	}
	s.stored(record)
	return nil
}

// stored takes over what is stored now.
func (s *Session) stored(record *Record) {
	s.record, s.values, s.owned, s.changes = record, record.Values, false, nil
	s.unknown, s.interrupted = "", false
	s.saved = true
}

// create stores the values as a new session. A key that came with the request is
// never used: somebody could have made the visitor send it.
func (s *Session) create(ctx context.Context) (*Record, error) {
	if s.unknown != "" && !s.m.knowsStore(ctx) {
		return nil, fmt.Errorf("create instead of %s: %w", ShortKey(s.unknown), ErrUnknownStore)
	}
	record, err := s.m.store.Create(ctx, "", s.values, time.Time{})
	if err == nil {
		s.m.trust.made(record.Key)
	}
	return record, err
}

// Flush ends the session: its values and what is stored of it go, now, and its
// cookie when the response begins. What is set afterwards is a new session.
func (s *Session) Flush(ctx context.Context) (err error) {
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.forgetUnseen(ctx, !s.accessed); err != nil {
		return err
	}
	if s.record != nil {
		o := s.m.observe(ctx, EventDelete, s.Key())
		err = s.m.store.Delete(ctx, s.record.Key)
		if errors.Is(err, ErrNotFound) { // so somebody else ended it
			err = nil
		}
		if s.told = o.done(s.Key(), err); err != nil {
			return err
		}
	}
	s.record, s.values, s.owned, s.changes = nil, new(Values), true, nil
	s.unknown, s.interrupted, s.told = "", false, nil
	s.accessed, s.modified, s.saved = true, true, false
	return nil
}

// forgetUnseen deletes what the store may have under a key that it does not know as
// a live session's: Django, which has not looked yet, deletes by the key alone.
func (s *Session) forgetUnseen(ctx context.Context, unseen bool) error {
	if !unseen || s.unknown == "" || !s.m.knowsStore(ctx) {
		return nil
	}
	err := s.m.store.Delete(ctx, s.unknown)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrInvalidKey) {
		return nil
	}
	return err
}

// CycleKey gives the session a new key and keeps what it holds, as is due when
// somebody logs in: a key that was known before is worth nothing then. The new
// session is stored and the old one deleted now. If that was deleted meanwhile,
// it is ErrSessionDeleted.
func (s *Session) CycleKey(ctx context.Context) (err error) {
	s.accessed = true
	if err := s.writable(); err != nil {
		return err
	}
	o := s.m.observe(ctx, EventSave, s.Key())
	defer func() { s.told = o.done(s.Key(), err) }()
	record, err := s.create(ctx)
	if err != nil {
		return err
	}
	if err := s.forgetUnseen(ctx, s.interrupted); err != nil {
		return err
	}
	if s.record != nil {
		moved, err := s.retire(ctx, record, o)
		if err != nil {
			// Nobody knows the new key. The old session is as it was.
			s.m.store.Delete(ctx, record.Key)
			return err
		}
		record = moved
	}
	s.stored(record)
	s.modified = true
	return nil
}

// retire deletes the session's old record, whose values are in moved. What
// somebody else wrote to the old one meanwhile goes to the new one.
func (s *Session) retire(ctx context.Context, moved *Record, o *observation) (*Record, error) {
	deleter, ok := s.m.store.(UnchangedDeleter)
	if !ok || s.m.Overwrite || s.record.Version == nil {
		err := s.m.store.Delete(ctx, s.record.Key)
		if errors.Is(err, ErrNotFound) && !s.m.Overwrite {
			err = fmt.Errorf("cycle %s: %w", ShortKey(s.record.Key), ErrSessionDeleted)
		} else if errors.Is(err, ErrNotFound) {
			err = nil
		}
		return moved, err
	}
	w := s.m.writer("cycle", o)
	old := s.record
	for attempt := 0; ; attempt++ {
		err := deleter.DeleteUnchanged(ctx, old)
		var conflict *ConflictError
		switch {
		case err == nil:
			return moved, nil
		case errors.Is(err, ErrNotFound):
			return nil, fmt.Errorf("cycle %s: %w", ShortKey(old.Key), ErrSessionDeleted)
		case !errors.As(err, &conflict):
			return nil, err
		}
		if err := w.lost(ctx, old.Key, attempt); err != nil {
			return nil, err
		}
		old = conflict.Current
		v, err := changed(old.Values, s.changes)
		if err != nil {
			return nil, err
		}
		if moved, err = w.replace(ctx, moved, v, nil); err != nil {
			return nil, err
		}
	}
}
