package filecache

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/swapfile"
)

// Add makes a new file, or one in place of an item that has ended.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "add"
	name, content, err := c.beginWrite(ctx, key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	c.makeRoom(ctx, name)
	const attempts = 5 // between which somebody else's file comes and goes
	for range attempts {
		f, err := c.add(ctx, name, content)
		switch {
		case err == nil:
			return written(f, data), nil
		case !errors.Is(err, fs.ErrNotExist) || c.checkFolder() != nil:
			return nil, c.failWrite(op, key, err)
		}
	}
	return nil, wrap(op, key, errNoFile)
}

// errNoFile: it was gone before it had its name.
var errNoFile = errors.New("somebody removes the new files, or their temporary ones")

// add makes the file, once. It is fs.ErrNotExist when it met somebody who deletes.
func (c *Cache) add(ctx context.Context, name string, content []byte) (*swapfile.File, error) {
	f, err := c.folder.Create(name, content, c.config.Settings.Now(), c.owner.In(c.folder, isItem))
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	there, err := c.folder.Read(ctx, name)
	switch {
	case unreadable(err) != nil:
		return nil, djsession.ErrKeyTaken
	case err != nil:
		return nil, err
	}
	if _, live, _ := c.item(there); live {
		return nil, djsession.ErrKeyTaken
	}
	f, err = c.folder.Replace(ctx, name, there, content, c.config.Settings.Now())
	if errors.As(err, new(*swapfile.ChangedError)) {
		err = djsession.ErrKeyTaken // by whoever came first
	}
	return f, err
}

// Swap exchanges the file if it is still what old was read from, and has not ended.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "replace"
	name, content, err := c.beginWrite(ctx, key, data, timeout)
	if err != nil {
		return nil, wrap(op, key, err)
	}
	c.makeRoom(ctx, name)
	before := c.known(old)
	if before == nil {
		return nil, c.compare(ctx, op, key, name)
	}
	f, err := c.folder.Replace(ctx, name, before, content, c.config.Settings.Now())
	if err != nil {
		return nil, c.failWrite(op, key, err)
	}
	return written(f, data), nil
}

// known is the file that an item was read from; nil if nobody knows, and if it has
// ended since: then it is not there to be replaced, but another may be.
func (c *Cache) known(old *cachestore.Item) *swapfile.File {
	if old == nil {
		return nil
	}
	v, ok := old.Version.(version)
	if !ok || !old.Expires.IsZero() && !old.Expires.After(c.config.Settings.Now()) {
		return nil
	}
	return v.file()
}

// compare is the conflict with an item of which nobody knows what it was.
func (c *Cache) compare(ctx context.Context, op, key, name string) error {
	f, err := c.folder.Read(ctx, name)
	if err != nil {
		return c.fail(op, key, err)
	}
	return c.conflict(op, key, f)
}

// Delete removes the file of a key, whatever is in it.
func (c *Cache) Delete(ctx context.Context, key string) error {
	const op = "delete"
	name, err := c.beginDelete(ctx, key)
	if err != nil {
		return wrap(op, key, err)
	}
	if err := c.folder.Remove(ctx, name); err != nil {
		return c.failWrite(op, key, err)
	}
	return nil
}

// DeleteUnchanged removes the file if it is still what old was read from.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	const op = "delete"
	name, err := c.beginDelete(ctx, key)
	if err != nil {
		return wrap(op, key, err)
	}
	before := c.known(old)
	if before == nil {
		return c.compare(ctx, op, key, name)
	}
	if err := c.folder.RemoveUnchanged(ctx, name, before); err != nil {
		return c.failWrite(op, key, err)
	}
	return nil
}

func (c *Cache) beginDelete(ctx context.Context, key string) (name string, err error) {
	if c.config.ReadOnly {
		return "", djsession.ErrReadOnly
	}
	return c.begin(ctx, key)
}

func (c *Cache) beginWrite(ctx context.Context, key string, data []byte, timeout time.Duration) (name string, content []byte, err error) {
	if name, err = c.beginDelete(ctx, key); err == nil {
		content, err = c.content(data, timeout)
	}
	return name, content, err
}
