package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// wrap says what was being done to which session.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + djsession.ShortKey(key)
	}
	return fmt.Errorf("filestore: %s: %w", op, err)
}

// fail wraps what swapfile says, with what it means to djsession.
func (s *Store) fail(op, key string, err error) error {
	var changed *swapfile.ChangedError
	switch {
	case errors.As(err, &changed):
		return s.conflict(op, key, changed.Current)
	case errors.Is(err, fs.ErrNotExist):
		// Without its folder no session is known not to be.
		if gone := s.checkFolder(); gone != nil {
			return wrap(op, key, gone)
		}
		return wrap(op, key, djsession.ErrNotFound)
	case errors.Is(err, syscall.EAGAIN):
		return wrap(op, key, fmt.Errorf("%w: %w", djsession.ErrBusy, err))
	}
	if payload := unreadable(err); payload != nil {
		err = payload
	}
	return wrap(op, key, err)
}

// failWrite is fail for what may not be allowed.
func (s *Store) failWrite(op, key string, err error) error {
	if errors.Is(err, swapfile.ErrUnknown) {
		return wrap(op, key, fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err))
	}
	var owner *swapfile.OwnerError
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.As(err, &owner) {
		err = fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	}
	return s.fail(op, key, err)
}

// conflict is the error for a file that somebody else wrote.
func (s *Store) conflict(op, key string, current *swapfile.File) error {
	r, live, err := s.record(key, current)
	switch {
	case err != nil:
		return wrap(op, key, err)
	case !live:
		// Somebody ended it, by its expiry: as good as deleted.
		return wrap(op, key, djsession.ErrNotFound)
	}
	return wrap(op, key, &djsession.ConflictError{Current: r})
}
