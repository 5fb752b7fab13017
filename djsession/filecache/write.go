package filecache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zlib"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/storefolder"
	"github.com/djsess/djsess/internal/swapfile"
)

// Add creates a new file, or replaces the file of an item that has ended.
func (c *Cache) Add(ctx context.Context, key string, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "add"
	name, content, err := c.beginWrite(ctx, key, data, timeout)
	if err != nil {
		return nil, c.folder.Error(op, key, err)
	}
	c.makeRoom(ctx, name)
	const attempts = 5 // another writer's file may come and go in between
	for range attempts {
		f, err := c.add(ctx, name, content)
		switch {
		case err == nil:
			return written(f, data), nil
		case !errors.Is(err, fs.ErrNotExist) || c.folder.Check() != nil:
			return nil, c.folder.FailWrite(op, key, err)
		}
	}
	return nil, c.folder.Error(op, key, errNoFile)
}

// errNoFile: in every attempt a file was gone before Add was done with it.
var errNoFile = errors.New("another program removes the new files, or their temporary ones")

// add makes one attempt to create or replace the file. If another program deletes the file
// meanwhile, the error is an fs.ErrNotExist.
func (c *Cache) add(ctx context.Context, name string, content []byte) (*swapfile.File, error) {
	f, err := c.folder.Create(name, content, c.config.Settings.Now())
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	there, err := c.folder.Read(ctx, name)
	switch {
	case errors.As(err, new(*swapfile.TooLargeError)), errors.Is(err, swapfile.ErrNotRegular):
		return nil, djsession.ErrKeyTaken
	case err != nil:
		return nil, err
	}
	if _, live, _ := c.item(there); live {
		return nil, djsession.ErrKeyTaken
	}
	f, err = c.folder.Replace(ctx, name, there, content, c.config.Settings.Now())
	if errors.As(err, new(*swapfile.ChangedError)) {
		err = djsession.ErrKeyTaken // another writer was first
	}
	return f, err
}

// Swap exchanges the file if it is unchanged since old was read, and if the item has not ended.
func (c *Cache) Swap(ctx context.Context, key string, old *cachestore.Item, data []byte, timeout time.Duration) (*cachestore.Item, error) {
	const op = "replace"
	name, content, err := c.beginWrite(ctx, key, data, timeout)
	if err != nil {
		return nil, c.folder.Error(op, key, err)
	}
	c.makeRoom(ctx, name)
	before := c.known(old)
	if before == nil {
		return nil, c.folder.ConflictWithStored(ctx, op, key, name)
	}
	f, err := c.folder.Replace(ctx, name, before, content, c.config.Settings.Now())
	if err != nil {
		return nil, c.folder.FailWrite(op, key, err)
	}
	return written(f, data), nil
}

// known returns the file that an item was read from, or nil if that is not known. It also
// returns nil for an item that has ended since: that item cannot be replaced, but its key may
// have a new one.
func (c *Cache) known(old *cachestore.Item) *swapfile.File {
	if old == nil {
		return nil
	}
	v, ok := old.Version.(storefolder.Version)
	if !ok || !old.Expires.IsZero() && !old.Expires.After(c.config.Settings.Now()) {
		return nil
	}
	return v.File()
}

// Delete removes the file of a key, even if Django did not write it.
func (c *Cache) Delete(ctx context.Context, key string) error {
	const op = "delete"
	name, err := c.beginDelete(ctx, key)
	if err != nil {
		return c.folder.Error(op, key, err)
	}
	if err := c.folder.Remove(ctx, name); err != nil {
		return c.folder.FailWrite(op, key, err)
	}
	return nil
}

// DeleteUnchanged removes the file if it is unchanged since old was read.
func (c *Cache) DeleteUnchanged(ctx context.Context, key string, old *cachestore.Item) error {
	const op = "delete"
	name, err := c.beginDelete(ctx, key)
	if err != nil {
		return c.folder.Error(op, key, err)
	}
	before := c.known(old)
	if before == nil {
		return c.folder.ConflictWithStored(ctx, op, key, name)
	}
	if err := c.folder.RemoveUnchanged(ctx, name, before); err != nil {
		return c.folder.FailWrite(op, key, err)
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

// content returns the content of an item's file.
func (c *Cache) content(data []byte, timeout time.Duration) ([]byte, error) {
	if len(data) > c.config.Settings.MaxPayloadSize {
		return nil, fmt.Errorf("value of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	return appendDeflated(newExpiry(c.config.Settings.Now(), timeout).append(nil, c.protocol), data), nil
}

// written returns the item of a file that was just stored.
func written(f *swapfile.File, data []byte) *cachestore.Item {
	expires, _, _ := cutExpiry(f.Data) // without an error, since content wrote the expiry
	return &cachestore.Item{
		Data:    slices.Clone(data),
		Expires: expires.time(),
		Version: storefolder.VersionOf(f),
	}
}

// deflaters are large, so they are kept for reuse.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// appendDeflated is zlib.compress.
func appendDeflated(dst, data []byte) []byte {
	buf := bytes.NewBuffer(dst)
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(buf)
	z.Write(data) // to a bytes.Buffer, which does not fail
	z.Close()
	return buf.Bytes()
}
