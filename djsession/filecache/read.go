package filecache

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/scanning"
	"github.com/djsess/djsess/internal/storefolder"
	"github.com/djsess/djsess/internal/swapfile"
)

// Get returns the item of a key, unless it has ended.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	name, err := c.begin(ctx, key)
	if err != nil {
		return nil, c.folder.Error(op, key, err)
	}
	f, err := c.folder.Read(ctx, name)
	if err != nil {
		return nil, c.folder.Fail(op, key, err)
	}
	item, live, err := c.item(f)
	if !live { // Django does not read the rest of the file
		err = djsession.ErrNotFound
	}
	if err != nil {
		return nil, c.folder.Error(op, key, err)
	}
	return item, nil
}

// begin checks the context and the key of an operation. It returns the name of the file.
func (c *Cache) begin(ctx context.Context, key string) (name string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return fileName(key)
}

// item returns the item of a file, and reports whether it is live. If Django cannot have written
// the file, it returns an item without data and an error.
func (c *Cache) item(f *swapfile.File) (item *cachestore.Item, live bool, err error) {
	item = &cachestore.Item{Version: storefolder.VersionOf(f)}
	if f.Stranger {
		return item, true, c.folder.Malformed(errStrangers)
	}
	expires, packed, err := cutExpiry(f.Data)
	if err != nil {
		return item, true, c.folder.Malformed(err)
	}
	item.Expires, live = expires.time(), !expires.hasEnded(c.config.Settings.Now())
	limit := c.config.Settings.MaxPayloadSize
	item.Data, err = inflate.Zlib(nil, packed, limit)
	switch {
	case errors.Is(err, djsession.ErrTooLarge):
		err = c.folder.PayloadError(fmt.Errorf("inflates to more than %d bytes: %w", limit, err))
	case err != nil:
		err = c.folder.Malformed(fmt.Errorf("what follows the expiry is not zlib's: %w", err))
	}
	return item, live, err
}

// errStrangers: Django would read the file. It has no signature, so only its owner can show that
// the site wrote it.
var errStrangers = errors.New("the file belongs to another user and is in a folder that everybody may write to, so any user may have written it")

// conflict returns the error for a file that another writer has changed meanwhile.
func (c *Cache) conflict(_ string, there *swapfile.File) error {
	item, live, err := c.item(there)
	switch {
	case !live:
		return djsession.ErrNotFound
	case err != nil:
		return err
	}
	return &cachestore.ConflictError{Current: item}
}

// Scan yields the items of a part in the folder's own order, including items that are not sessions, and
// items that have ended and are still stored. It ignores the prefix, which a file's name does
// not show. For a file that may not be read, or that is not a regular file, it yields a
// *djsession.PayloadError.
func (c *Cache) Scan(ctx context.Context, r cachestore.Range) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		const op = "scan"
		wanted := func(name string) bool { return isItem(name) && scanning.IsInPart(name, r.Part, r.Parts) }
		for name, err := range c.folder.EachOnce(ctx, wanted) {
			if err != nil {
				yield(nil, c.folder.Error(op, "", err))
				return
			}
			if !c.yieldFile(ctx, op, name, yield) {
				return
			}
		}
	}
}

func (c *Cache) yieldFile(ctx context.Context, op, name string, yield func(*cachestore.Entry, error) bool) bool {
	f, err := c.folder.ReadListed(ctx, name)
	entry := &cachestore.Entry{Name: name, Item: new(cachestore.Item)}
	switch {
	case err == nil:
		entry.Item, _, err = c.item(f)
	case errors.Is(err, fs.ErrNotExist):
		return true // deleted since the name was read
	case !errors.As(err, new(*djsession.PayloadError)):
		yield(nil, c.folder.Error(op, "", err))
		return false
	}
	if err != nil {
		err = c.folder.Error(op, "", fmt.Errorf("%s: %w", name, err))
	}
	return yield(entry, err)
}

// suffix is Django's cache_suffix.
const suffix = ".djcache"

// fileName returns the name of a key's file.
func fileName(key string) (string, error) {
	switch {
	case key == "":
		return "", fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case !utf8.ValidString(key):
		return "", fmt.Errorf("%w: the cache key is not text", djsession.ErrInvalidKey)
	}
	digest := md5.Sum([]byte(key)) // a name, not a signature
	return hex.EncodeToString(digest[:]) + suffix, nil
}

// isItem reports whether a name has the form of fileName's results.
func isItem(name string) bool {
	digest, ok := strings.CutSuffix(name, suffix)
	return ok && len(digest) == 2*md5.Size && strings.Trim(digest, "0123456789abcdef") == ""
}
