package dbcache

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/pybase64"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqltable"
)

// item returns the item of a row. If Django cannot have written the value, it returns an item
// without data and an error.
func (c *Cache) item(row sqltable.Row) (*cachestore.Item, error) {
	version, err := c.table.Parse(row)
	if err != nil && version.At.IsZero() {
		return new(cachestore.Item), err
	}
	item := &cachestore.Item{Expires: version.At.UTC(), Version: version}
	if version.At.After(djsession.Never) { // datetime.max, in some zone
		item.Expires = djsession.Never
	}
	if err != nil {
		return item, err
	}
	data, err := decode(version.Data)
	switch limit := c.config.Settings.MaxPayloadSize; {
	case err != nil:
		return item, c.table.PayloadError(fmt.Errorf("%w: value is not base64: %w", djsession.ErrMalformed, err))
	case len(data) > limit:
		return item, c.table.PayloadError(fmt.Errorf("%d bytes: %w", len(data), djsession.ErrTooLarge))
	}
	item.Data = data
	return item, nil
}

// decode is Python's b64decode, which skips characters that are not base64.
func decode(value string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		data, err = pybase64.AppendStd(nil, []byte(value))
	}
	return data, err
}

// newItem returns the item that is about to be written.
func (c *Cache) newItem(data []byte, timeout time.Duration) (*cachestore.Item, error) {
	if len(data) > c.config.Settings.MaxPayloadSize {
		return nil, fmt.Errorf("value of %d bytes: %w", len(data), djsession.ErrTooLarge)
	}
	at, err := c.expiry(timeout)
	if err != nil {
		return nil, err
	}
	return &cachestore.Item{
		Data:    slices.Clone(data),
		Expires: at,
		Version: c.table.NewVersion(base64.StdEncoding.EncodeToString(data), at),
	}, nil
}

// versionOf returns the version of the row that an item was read from, or nil if the item does
// not have it.
func versionOf(item *cachestore.Item) *sqltable.Version {
	if item != nil {
		if v, ok := item.Version.(sqltable.Version); ok {
			return &v
		}
	}
	return nil
}

// expiry returns the time at which an item ends that is written now. Django cuts it to whole
// seconds, and turns a timeout of 0 into -1 second.
func (c *Cache) expiry(timeout time.Duration) (time.Time, error) {
	if timeout == 0 {
		timeout = -time.Second
	}
	t := c.stored(c.config.Settings.Now().Add(timeout))
	return t, c.table.CheckExpiry(t)
}

// stored returns an instant as the table stores it, in whole seconds.
func (c *Cache) stored(t time.Time) time.Time {
	return c.table.AsSent(t.Truncate(time.Second).UTC()).UTC()
}

// before compares as Django does. With USE_TZ off Django knows only the wall clock.
func (c *Cache) before(expires, now time.Time) bool {
	if !c.config.Settings.UseTZ {
		expires, now = pytime.Wall(expires, c.table.Location), pytime.Naive(now, c.table.Location)
	}
	return expires.Before(now)
}

// hasEnded reports whether cache.get does not return an item any more.
func (c *Cache) hasEnded(expires time.Time) bool {
	return c.before(expires, c.config.Settings.Now().Truncate(time.Microsecond))
}

// isReplaceable reports whether cache.add replaces an item. Django counts whole seconds here, so
// for up to a second after its end an item is neither returned nor replaced.
func (c *Cache) isReplaceable(expires time.Time) bool {
	return c.before(expires, c.config.Settings.Now().Truncate(time.Second))
}
