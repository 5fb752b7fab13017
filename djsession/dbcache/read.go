package dbcache

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqltable"
)

// Get returns the item of a key, unless it has ended.
func (c *Cache) Get(ctx context.Context, key string) (*cachestore.Item, error) {
	const op = "get"
	if err := checkKey(key); err != nil {
		return nil, c.table.Error(op, key, err)
	}
	return c.get(ctx, op, key)
}

func (c *Cache) get(ctx context.Context, op, key string) (*cachestore.Item, error) {
	item, err := c.read(ctx, op, key)
	switch {
	case item != nil && !item.Expires.IsZero() && c.hasEnded(item.Expires):
		return nil, c.table.Error(op, key, djsession.ErrNotFound)
	case err != nil:
		return nil, err
	}
	return item, nil
}

// read returns the item in a row, whether it has ended or not. If the value cannot be read,
// it returns the item without data, and the error.
func (c *Cache) read(ctx context.Context, op, key string) (*cachestore.Item, error) {
	row, err := c.table.Read(ctx, op, key)
	if err != nil {
		return nil, err
	}
	item, err := c.item(row)
	if err != nil {
		err = c.table.Error(op, key, err)
	}
	return item, err
}

// Scan yields the items in the order of their keys, including items that have ended and are
// still stored. It reads pages, so that neither the site nor another connection waits for the
// caller.
func (c *Cache) Scan(ctx context.Context, r cachestore.Range) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		for row, err := range c.table.Scan(ctx, sqltable.Range{Prefix: r.Prefix, Part: r.Part, Parts: r.Parts}) {
			if err != nil {
				yield(nil, err)
				return
			}
			item, err := c.item(row)
			if err != nil {
				err = c.table.Error("scan", row.Key, err)
			}
			if !yield(&cachestore.Entry{Key: row.Key, Name: row.Key, Item: item}, err) {
				return
			}
		}
	}
}

// longestKey is the length of the column that createcachetable makes.
const longestKey = 255

// checkKey returns an ErrInvalidKey for a key that no row can have. Django itself only warns of
// keys that Memcached would refuse.
func checkKey(key string) error {
	n := utf8.RuneCountInString(key)
	switch {
	case key == "":
		return fmt.Errorf("%w: an empty cache key", djsession.ErrInvalidKey)
	case n > longestKey:
		return fmt.Errorf("%w: a cache key of %d characters, and the table holds %d", djsession.ErrInvalidKey, n, longestKey)
	case strings.IndexByte(key, 0) >= 0 || !utf8.ValidString(key):
		return fmt.Errorf("%w: the cache key is not text", djsession.ErrInvalidKey)
	}
	return nil
}
