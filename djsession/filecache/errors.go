package filecache

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/swapfile"
)

// wrap says what was being done to which item.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + cachestore.ShortKey(key)
	}
	return fmt.Errorf("filecache: %s: %w", op, err)
}

// fail wraps what swapfile says, with what it means to djsession.
func (c *Cache) fail(op, key string, err error) error {
	var changed *swapfile.ChangedError
	switch {
	case errors.As(err, &changed):
		return c.conflict(op, key, changed.Current)
	case errors.Is(err, fs.ErrNotExist):
		// Without its folder no item is known not to be.
		if gone := c.checkFolder(); gone != nil {
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
func (c *Cache) failWrite(op, key string, err error) error {
	if errors.Is(err, swapfile.ErrUnknown) {
		return wrap(op, key, fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err))
	}
	var owner *swapfile.OwnerError
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) || errors.As(err, &owner) {
		err = fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	}
	return c.fail(op, key, err)
}

// conflict is the error for a file that somebody else wrote.
func (c *Cache) conflict(op, key string, current *swapfile.File) error {
	item, live, err := c.item(current)
	switch {
	case !live:
		return wrap(op, key, djsession.ErrNotFound)
	case err != nil:
		return wrap(op, key, err)
	}
	return wrap(op, key, &cachestore.ConflictError{Current: item})
}
