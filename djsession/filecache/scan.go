package filecache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"syscall"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// Scan yields all items in the folder's own order, whatever the prefix, since it
// cannot be seen in a file's name: sessions and others, and those that have ended and
// are still there. A file that we may not read, or that is none, is a *PayloadError.
//
// An item that is written meanwhile may be missed or come twice on file systems where
// a folder changes under its reader.
func (c *Cache) Scan(ctx context.Context, _ string) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		const op = "scan"
		dir, err := os.Open(c.folder.Path)
		if err != nil {
			yield(nil, wrap(op, "", err))
			return
		}
		defer dir.Close()
		for {
			if err := ctx.Err(); err != nil {
				yield(nil, wrap(op, "", err))
				return
			}
			const page = 256
			names, err := dir.Readdirnames(page)
			for _, name := range names {
				if isItem(name) && !c.yieldFile(ctx, name, yield) {
					return
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(nil, wrap(op, "", err))
				return
			}
		}
	}
}

func (c *Cache) yieldFile(ctx context.Context, name string, yield func(*cachestore.Entry, error) bool) bool {
	f, err := c.folder.Read(ctx, name)
	entry := &cachestore.Entry{Name: name, Item: new(cachestore.Item)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // deleted since the name was read
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EAGAIN) && ctx.Err() == nil: // somebody has a lease on it
		err = djsession.UnsignedError(fmt.Errorf("%w: %w", djsession.ErrMalformed, err))
	case err != nil:
		payload := unreadable(err)
		if payload == nil {
			yield(nil, wrap("scan", "", err))
			return false
		}
		err = payload
	default:
		entry.Item, _, err = c.item(f)
	}
	if err != nil {
		err = wrap("scan", "", fmt.Errorf("%s: %w", name, err))
	}
	return yield(entry, err)
}
