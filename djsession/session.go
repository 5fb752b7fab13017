package djsession

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// Session is the session of one visitor in one request: Django's SessionBase. FromRequest
// returns it, and Manager.WithSession passes it to a handler. It is in memory: reads and changes do no I/O and need
// no context. Changes are saved when the response begins. Flush and CycleKey write at once,
// as in Django, and take a context.
//
// A save does not overwrite concurrent writes. If another writer has changed the stored
// session, the changes are re-applied on top of that: see Apply, and Manager.Overwrite.
//
// A Session is not safe for use by several goroutines.
type Session struct {
	m          *Manager
	record     *Record               // as it is stored; nil for a new session
	values     *Values               // what the session holds now
	changes    []func(*Values) error // made since the record was loaded
	ownsValues bool                  // values can be changed: they are not record's
	locals     map[any]any
	sessionState
}

func newSession(m *Manager, record *Record) *Session {
	s := &Session{m: m, record: record}
	if record != nil {
		s.values = record.Values
	} else {
		s.values, s.ownsValues = new(Values), true
	}
	return s
}

// read returns the values to read them.
func (s *Session) read() *Values {
	s.accessed = true
	return s.values
}

// Get decodes a value into what dst points to; see Values.Get. Without such a value the
// error is ErrNoValue, Python's KeyError.
func (s *Session) Get(name string, dst any) error { return s.read().Get(name, dst) }

// GetString returns a value that is a string. It returns "" if there is no such value, or
// if it is not a string.
func (s *Session) GetString(name string) string { return s.read().GetString(name) }

// Raw returns a value as the JSON that is stored; see Values.Raw.
func (s *Session) Raw(name string) (json string, ok bool) { return s.read().Raw(name) }

// Has reports whether there is a value of this name: Python's in.
func (s *Session) Has(name string) bool { return s.read().Has(name) }

// Len returns how many values there are.
func (s *Session) Len() int { return s.read().Len() }

// Names yields the names in their order: Django's keys.
func (s *Session) Names() iter.Seq[string] {
	return slices.Values(slices.Collect(s.read().Names())) // the loop may change them
}

// Values returns a copy of all values: Django's items.
func (s *Session) Values() *Values { return s.read().Clone() }

// Writable returns nil if the session can be changed, or the reason why it cannot:
// ErrReadOnly, ErrResponseStarted, or the *PayloadError of Manager.EmptyWhenRefused. Any
// change of the session returns the same error.
func (s *Session) Writable() error {
	switch {
	case s.closed != nil:
		return fmt.Errorf("session %s: %w", ShortKey(s.Key()), s.closed)
	case s.m.ReadOnly:
		return fmt.Errorf("session %s: %w", ShortKey(s.Key()), ErrReadOnly)
	}
	return nil
}

// ownValues makes the values ready to be changed.
func (s *Session) ownValues() *Values {
	if !s.ownsValues {
		s.values, s.ownsValues = s.values.Clone(), true
	}
	return s.values
}

// change applies a change to the values, and records it. The change must leave the values as they
// were if it returns an error.
func (s *Session) change(change func(*Values) error) error {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	if err := change(s.ownValues()); err != nil {
		return err
	}
	s.recordChange(change)
	return nil
}

// recordChange records a change, to re-apply it after a concurrent write.
func (s *Session) recordChange(change func(*Values) error) {
	s.changes = append(s.changes, change)
	s.noteChange()
}

// Set sets a value; see Values.Set for how Go's types are written. The value is encoded at
// once: later changes by the caller do not apply.
func (s *Session) Set(name string, value any) error {
	e, err := encodeValue(name, value)
	return s.change(func(v *Values) error {
		if err != nil {
			return err
		}
		return v.set(name, e)
	})
}

// SetJSON sets a value given as JSON; see Values.SetJSON.
func (s *Session) SetJSON(name, json string) error {
	return s.change(func(v *Values) error { return v.SetJSON(name, json) })
}

// SetDefault sets a value unless there is one of this name: Django's setdefault.
func (s *Session) SetDefault(name string, value any) error {
	if s.Has(name) {
		return s.Writable()
	}
	e, err := encodeValue(name, value)
	return s.change(func(v *Values) error {
		if err != nil || v.Has(name) {
			return err
		}
		return v.set(name, e)
	})
}

// SetAll sets several values, or none if one of them is an error: Django's update.
func (s *Session) SetAll(values map[string]any) error {
	names := slices.Sorted(maps.Keys(values))
	encodedValues := make([]encoded, len(names))
	for i, name := range names {
		var err error
		if encodedValues[i], err = encodeValue(name, values[name]); err != nil {
			return s.change(func(*Values) error { return err })
		}
	}
	return s.Apply(func(v *Values) error {
		for i, name := range names {
			if err := v.set(name, encodedValues[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// Apply calls change with the session's values. If change returns an error, the session
// stays as it was.
//
// If another writer changes the session before it is saved, change is called again with the
// values that are stored then, so that no write is lost. So change must have no side
// effects: it works on v alone. It must not copy values that it read in an earlier call.
//
//	err := s.Apply(func(v *djsession.Values) error {
//		cart, err := djsession.GetOr(v, "cart", Cart{})
//		if err != nil {
//			return err
//		}
//		cart.Lines = append(cart.Lines, line)
//		return v.Set("cart", cart)
//	})
func (s *Session) Apply(change func(v *Values) error) error {
	s.accessed = true
	if err := s.Writable(); err != nil {
		return err
	}
	v := s.values.Clone()
	if err := change(v); err != nil {
		return err
	}
	s.values, s.ownsValues = v, true
	s.recordChange(change)
	return nil
}

// Delete removes values. Names without a value change nothing and are not an error.
func (s *Session) Delete(names ...string) error {
	if !slices.ContainsFunc(names, s.read().Has) {
		return s.Writable()
	}
	names = slices.Clone(names) // the change may run again later
	return s.change(func(v *Values) error {
		v.Delete(names...)
		return nil
	})
}

// Pop decodes a value into what dst points to, and removes it. Without such a value the
// error is ErrNoValue. A value that does not fit dst is an error and stays.
//
// If a concurrent write changes the value before the session is saved, the changed value
// stays, since the caller has not seen it, and the Observer is told (EventConflict).
func (s *Session) Pop(name string, dst any) error {
	if err := s.Writable(); err != nil {
		return err
	}
	if err := s.Get(name, dst); err != nil {
		return err
	}
	popped := s.values.fingerprint(name)
	return s.change(func(v *Values) error {
		switch now := v.fingerprint(name); {
		case !v.Has(name):
		case now.equal(popped):
			v.Delete(name)
		default:
			s.m.report(context.Background(), Event{Kind: EventConflict, Session: ShortKey(s.Key()), Err: fmt.Errorf("pop %q: %w", name, errPopped)})
		}
		return nil
	})
}

var errPopped = errors.New("the value was changed after it was popped, and stays")

// Clear removes all values. The session and its key stay; Flush ends the session.
func (s *Session) Clear() error {
	return s.change(func(v *Values) error {
		v.Clear()
		return nil
	})
}

// The test cookie shows whether a browser accepts cookies at all.
const (
	testCookieName  = "testcookie"
	testCookieValue = "worked"
)

// SetTestCookie is set_test_cookie.
func (s *Session) SetTestCookie() error { return s.Set(testCookieName, testCookieValue) }

// TestCookieWorked is test_cookie_worked.
func (s *Session) TestCookieWorked() bool { return s.GetString(testCookieName) == testCookieValue }

// DeleteTestCookie is delete_test_cookie.
func (s *Session) DeleteTestCookie() error { return s.Delete(testCookieName) }

// Key returns the session key, or "" if the session is not stored yet. The key gives access
// to the session.
func (s *Session) Key() string {
	if s.record == nil {
		return ""
	}
	return s.record.Key
}

// Settings returns a copy of the settings of the session's store.
func (s *Session) Settings() *Settings {
	settings := *s.m.settings()
	return &settings
}

// IsEmpty reports whether the session has neither a key nor a value.
func (s *Session) IsEmpty() bool {
	return s.record == nil && s.values.Len() == 0
}

// Accessed reports whether the handler read or changed values.
func (s *Session) Accessed() bool { return s.accessed }

// Modified reports whether the session is to be saved when the response begins.
func (s *Session) Modified() bool { return s.modified }

// SetModified sets whether the session is to be saved: Django's session.modified = True. If
// nothing was changed, the save moves the expiry.
func (s *Session) SetModified(modified bool) { s.modified = modified }

// Local returns a value that SetLocal has set in this request.
func (s *Session) Local(key any) any { return s.locals[key] }

// SetLocal keeps a value with the session until the request ends, as a context does. It is
// not stored. Keys are as for context.WithValue.
func (s *Session) SetLocal(key, value any) {
	if s.locals == nil {
		s.locals = map[any]any{}
	}
	s.locals[key] = value
}
