package djsession

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Session is the session of one visitor in one request: Django's SessionBase.
// FromRequest returns it. It is in memory: reading and changing it asks no store
// and needs no context. What was changed is saved when the response begins; what
// Django does at once (Flush, CycleKey) is done at once, and takes a context.
//
// Saving does not write over what somebody else wrote meanwhile: the changes are
// made again on what is stored then; see Apply, and Manager.Overwrite.
//
// A Session is not for several goroutines.
type Session struct {
	m       *Manager
	record  *Record  // what is stored; nil: nothing is
	values  *Values  // what the session holds now
	changes []Change // that made values of record.Values
	owned   bool     // values are not record's

	unknown  string // the key in the cookie, if the store does not have it
	foreign  bool   // the cookie does not hold a session key
	accessed bool
	modified bool
	moved    bool  // the visitor's cookie still holds the old key, which was deleted
	fresh    bool  // it was stored under a new key, and not changed since
	failed   error // why it could not be saved
	told     error // the last error that the Observer was told
	closed   error // why it takes no more changes

	locals map[any]any
}

func newSession(m *Manager, record *Record) *Session {
	s := &Session{m: m, record: record}
	if record != nil {
		s.values = record.Values
	} else {
		s.values, s.owned = new(Values), true
	}
	return s
}

// read is every access to the values.
func (s *Session) read() *Values {
	s.accessed = true
	return s.values
}

// Get decodes a value into what dst points to; see Values.Get. Without such a
// value it is ErrNoValue, Python's KeyError.
func (s *Session) Get(name string, dst any) error { return s.read().Get(name, dst) }

// GetString returns a value that is a string, and "" when there is none or it is
// something else.
func (s *Session) GetString(name string) string { return s.read().GetString(name) }

// GetOr is Django's get with a default: what the session has, or fallback when it
// has no such value. A value that is no T is an error.
func GetOr[T any](s *Session, name string, fallback T) (T, error) {
	var value T
	err := s.Get(name, &value)
	if errors.Is(err, ErrNoValue) {
		return fallback, nil
	}
	return value, err
}

// Raw returns a value as the JSON it is stored as; see Values.Raw.
func (s *Session) Raw(name string) (json string, ok bool) { return s.read().Raw(name) }

// Has tells whether there is a value of this name: Python's in.
func (s *Session) Has(name string) bool { return s.read().Has(name) }

// Len returns how many values there are.
func (s *Session) Len() int { return s.read().Len() }

// Names yields the names in their order: Django's keys.
func (s *Session) Names() iter.Seq[string] {
	return slices.Values(slices.Collect(s.read().Names())) // the loop may change them
}

// Values returns a copy of all there is: Django's items.
func (s *Session) Values() *Values { return s.read().Clone() }

// writable is an error when the session takes no changes.
func (s *Session) writable() error {
	switch {
	case s.closed != nil:
		return fmt.Errorf("session %s: %w", ShortKey(s.Key()), s.closed)
	case s.m.ReadOnly:
		return fmt.Errorf("session %s: %w", ShortKey(s.Key()), ErrReadOnly)
	}
	return nil
}

// own makes the values ready to be changed.
func (s *Session) own() *Values {
	if !s.owned {
		s.values, s.owned = s.values.Clone(), true
	}
	return s.values
}

// change makes a change that on error changes nothing.
func (s *Session) change(change Change) error {
	s.accessed = true
	if err := s.writable(); err != nil {
		return err
	}
	if err := change(s.own()); err != nil {
		return err
	}
	s.note(change)
	return nil
}

func (s *Session) note(changes ...Change) {
	s.changes = append(s.changes, changes...)
	s.modified, s.fresh = true, false
	if !s.outcomeUnknown() {
		s.failed = nil
	}
}

// Set sets a value; see Values.Set for how Go's types are written.
func (s *Session) Set(name string, value any) error { return s.change(Set(name, value)) }

// SetJSON sets a value given as JSON; see Values.SetJSON.
func (s *Session) SetJSON(name, json string) error { return s.change(SetJSON(name, json)) }

// SetDefault sets a value unless there is one of this name: setdefault.
func (s *Session) SetDefault(name string, value any) error {
	if s.Has(name) {
		return s.writable()
	}
	return s.change(SetDefault(name, value))
}

// Update sets several values: all or, on error, none.
func (s *Session) Update(values map[string]any) error {
	changes := make([]Change, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		changes = append(changes, Set(name, values[name]))
	}
	return s.Apply(changes...)
}

// Apply makes changes: all or, on error, none. Should somebody else write the
// session before it is saved, they are made again on what was written. So a value
// that several change loses nobody's change:
//
//	err := s.Apply(djsession.Modify("cart", func(c Cart) (Cart, error) {
//		c.Lines = append(c.Lines, line)
//		return c, nil
//	}))
func (s *Session) Apply(changes ...Change) error {
	s.accessed = true
	if err := s.writable(); err != nil {
		return err
	}
	v, err := changed(s.values, changes)
	if err != nil {
		return err
	}
	s.values, s.owned = v, true
	s.note(changes...)
	return nil
}

// Delete removes values. Names that are not there change nothing, and are no
// error.
func (s *Session) Delete(names ...string) error {
	if !slices.ContainsFunc(names, s.read().Has) {
		return s.writable()
	}
	return s.change(Delete(names...))
}

// Pop decodes a value into what dst points to, and removes it. Without such a
// value it is ErrNoValue; a value that does not fit stays.
//
// If a concurrent write changes the value before the session is saved, the changed value
// stays, since the caller has not seen it, and the Observer is told (EventConflict).
func (s *Session) Pop(name string, dst any) error {
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.Get(name, dst); err != nil {
		return err
	}
	popped, _ := s.Raw(name)
	return s.change(func(v *Values) error {
		switch now, ok := v.Raw(name); {
		case ok && now == popped:
			v.Delete(name)
		case ok:
			s.m.tell(context.Background(), Event{Kind: EventConflict, Session: ShortKey(s.Key()), Err: fmt.Errorf("pop %q: %w", name, errPopped)})
		}
		return nil
	})
}

var errPopped = errors.New("the value was changed after it was popped, and stays")

// Clear removes all values. The session and its key stay; Flush ends it.
func (s *Session) Clear() error { return s.change(Clear()) }

// Key is the session key: "" when the session is not stored yet. Whoever has it
// has the session.
func (s *Session) Key() string {
	if s.record == nil {
		return ""
	}
	return s.record.Key
}

// IsEmpty tells whether there is neither a key nor a value.
func (s *Session) IsEmpty() bool {
	return s.record == nil && s.values.Len() == 0
}

// Accessed tells whether anybody read or changed values.
func (s *Session) Accessed() bool { return s.accessed }

// Modified tells whether the session is to be saved when the response begins.
func (s *Session) Modified() bool { return s.modified }

// SetModified makes it so, or not: Django's session.modified = True. A session
// that did not change is saved with a new expiry.
func (s *Session) SetModified(modified bool) { s.modified = modified }

// Local returns what SetLocal set in this request.
func (s *Session) Local(key any) any { return s.locals[key] }

// SetLocal keeps something with the session for the time of the request, as a
// context would: it is not stored. Keys are as for context.WithValue.
func (s *Session) SetLocal(key, value any) {
	if s.locals == nil {
		s.locals = map[any]any{}
	}
	s.locals[key] = value
}
