package djsession

import (
	"errors"
	"testing"
)

// The transitions of a session's state.
func TestSessionState(t *testing.T) {
	failure := errors.New("a failure that does not say whether the session was saved")
	for _, c := range []struct {
		name   string
		before sessionState
		do     func(*sessionState)
		after  sessionState
	}{
		{"a change", sessionState{justStored: true, saveErr: ErrConflict}, (*sessionState).noteChange, sessionState{modified: true}},
		{"a change after an unknown outcome", sessionState{saveErr: ErrOutcomeUnknown}, (*sessionState).noteChange, sessionState{modified: true, saveErr: ErrOutcomeUnknown}},
		{"a change after another failure", sessionState{saveErr: failure}, (*sessionState).noteChange, sessionState{modified: true, saveErr: failure}},
		{"stored", sessionState{modified: true, justStored: true}, func(s *sessionState) { s.noteStored(false) }, sessionState{modified: true}},
		{"stored in place of an unknown key", sessionState{cookie: cookieUnknown, cookieValue: "abc"}, func(s *sessionState) { s.noteStored(true) }, sessionState{justStored: true}},
		{"stored after CycleKey", sessionState{cookie: cookieStale}, func(s *sessionState) { s.noteStored(true) }, sessionState{cookie: cookieStale, justStored: true}},
		{"flushed", sessionState{accessed: true, cookie: cookieUnknown, cookieValue: "abc", saveErr: failure, reported: failure}, (*sessionState).noteFlushed, sessionState{accessed: true, modified: true}},
		{"flushed after CycleKey", sessionState{cookie: cookieStale, justStored: true}, (*sessionState).noteFlushed, sessionState{modified: true}},
		{"closed", sessionState{}, func(s *sessionState) { s.close(ErrResponseStarted) }, sessionState{closed: ErrResponseStarted}},
		{"closed twice", sessionState{closed: ErrMalformed}, func(s *sessionState) { s.close(ErrResponseStarted) }, sessionState{closed: ErrMalformed}},
	} {
		got := c.before
		c.do(&got)
		if got != c.after {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.after)
		}
	}
}
