package filecache

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/inflate"
	"github.com/djsess/djsess/internal/swapfile"
)

// version is what an item's Version holds: the file as it was read. Its time counts
// as well as its content.
type version struct {
	data string
	at   time.Time
}

func (v version) file() *swapfile.File { return &swapfile.File{Data: []byte(v.data), ModTime: v.at} }

// item makes an item of a file, and tells whether it is there still. With what is no
// value of Django's it returns the item without data, and the error.
func (c *Cache) item(f *swapfile.File) (item *cachestore.Item, live bool, err error) {
	item = &cachestore.Item{Version: version{string(f.Data), f.ModTime.UTC()}}
	if f.Stranger {
		return item, true, malformed(errStrangers)
	}
	expires, packed, err := cutExpiry(f.Data)
	if err != nil {
		return item, true, malformed(err)
	}
	item.Expires, live = expires.time(), !expires.ended(c.config.Settings.Now())
	item.Data, err = inflate.Zlib(nil, packed, c.config.Settings.MaxPayloadSize)
	switch {
	case errors.Is(err, djsession.ErrTooLarge):
		err = djsession.UnsignedError(fmt.Errorf("inflates to more than %d bytes: %w", c.config.Settings.MaxPayloadSize, err))
	case err != nil:
		err = malformed(fmt.Errorf("what follows the expiry is not zlib's: %w", err))
	}
	return item, live, err
}

// errStrangers: Django would read the file. It has no signature, so only its owner shows
// whether the site wrote it.
var errStrangers = errors.New("the file belongs to another user and is in a folder that everybody may write to, so anybody may have written it")

func malformed(err error) error {
	return djsession.UnsignedError(fmt.Errorf("%w: %w", djsession.ErrMalformed, err))
}

// content is what a file holds.
func (c *Cache) content(data []byte, timeout time.Duration) ([]byte, error) {
	if len(data) > c.config.Settings.MaxPayloadSize {
		return nil, fmt.Errorf("value of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	return appendDeflated(after(c.config.Settings.Now(), timeout).append(nil, c.protocol), data), nil
}

// written is the item of a file that was just stored.
func written(f *swapfile.File, data []byte) *cachestore.Item {
	expires, _, _ := cutExpiry(f.Data) // which content has put there
	return &cachestore.Item{
		Data:    slices.Clone(data),
		Expires: expires.time(),
		Version: version{string(f.Data), f.ModTime.UTC()},
	}
}

// unreadable is the PayloadError for a file that is no item at all, or nil.
func unreadable(err error) error {
	var tooLarge *swapfile.TooLargeError
	switch {
	case errors.As(err, &tooLarge):
		return djsession.UnsignedError(fmt.Errorf("%d bytes: %w", tooLarge.Size, djsession.ErrTooLarge))
	case errors.Is(err, swapfile.ErrNotRegular):
		return malformed(err)
	}
	return nil
}
