package djsession

// sessionState is what a Session knows beside its values: what the handler did with it, and
// how it relates to the visitor's cookie and to the store. The methods are its transitions.
type sessionState struct {
	accessed bool // the values were read or changed
	modified bool // the session is to be saved when the response begins

	cookie      cookieState
	cookieValue string // of the visitor's cookie, if it is cookieUnknown or cookieForeign

	// justStored: in this request the session was stored under a new key, and it was not
	// changed since. No other request has the key yet, so it needs no second save.
	justStored bool
	// saveErr is why the last save failed. A further change clears it, unless the save may
	// have been done: see outcomeUnknown.
	saveErr error
	// reported is the error that the Observer was told of the last write.
	reported error
	// closed is why the session takes no more changes: ErrResponseStarted, or the
	// *PayloadError of a payload that was refused.
	closed error
}

// cookieState is what the cookie of the visitor holds.
type cookieState int

const (
	cookieCurrent cookieState = iota // the session's key; or there is no cookie
	cookieUnknown                    // a key that the store does not have
	cookieForeign                    // something that is not a session key
	cookieStale                      // the session's old key, which CycleKey has deleted
)

// noteChange is for a change of the values.
func (s *sessionState) noteChange() {
	s.modified, s.justStored = true, false
	if !s.outcomeUnknown() {
		s.saveErr = nil
	}
}

// noteStored is for a session that was stored: under its key, or under a new one.
func (s *sessionState) noteStored(newKey bool) {
	s.justStored = newKey
	if s.cookie != cookieStale { // a stale cookie stays so until the response
		s.cookie, s.cookieValue = cookieCurrent, ""
	}
}

// noteFlushed is for a session that was ended. What is set later is a new session.
func (s *sessionState) noteFlushed() {
	s.cookie, s.cookieValue = cookieCurrent, ""
	s.justStored, s.saveErr, s.reported = false, nil, nil
	s.modified = true
}

// close makes the session refuse further changes, for this reason or an earlier one.
func (s *sessionState) close(reason error) {
	if s.closed == nil {
		s.closed = reason
	}
}

// outcomeUnknown reports whether a save failed although it may have been done. A second try
// could make the changes twice.
func (s *sessionState) outcomeUnknown() bool { return s.saveErr != nil && !nothingWritten(s.saveErr) }
