package dbcache

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/pybase64"
)

// row is what itemColumns selects.
type row struct {
	value   sql.NullString // null when it is too long, and in a table that allows it
	length  sql.NullInt64
	expires any
}

func (r *row) dst() []any { return []any{&r.value, &r.length, &r.expires} }

// version is what an item's Version holds: the row as it was read. The expiry
// counts as well as the value, since somebody may change nothing else.
type version struct {
	value   string
	expires any // as the database has it: a time.Time or a string
	at      time.Time
}

func (v version) same(other version) bool { return v.value == other.value && v.at.Equal(other.at) }

func versionOf(item *cachestore.Item) (v version, known bool) {
	if item != nil {
		v, known = item.Version.(version)
	}
	return v, known
}

// item makes an item of a row. With a value that is none of Django's it returns the
// item without data, and the error.
func (c *Cache) item(row row) (*cachestore.Item, error) {
	at, err := c.dialect.ParseTime(row.expires, c.loc)
	if err != nil {
		return new(cachestore.Item), djsession.UnsignedError(fmt.Errorf("%w: expires is %w", djsession.ErrMalformed, errors.Unwrap(err)))
	}
	seen := row.expires
	switch t := seen.(type) {
	case []byte:
		seen = string(t)
	case time.Time:
		seen = t.UTC()
	}
	item := &cachestore.Item{Expires: at.UTC(), Version: version{row.value.String, seen, at}}
	if at.After(cachestore.Never) { // datetime.max, in some zone
		item.Expires = cachestore.Never
	}
	switch {
	case row.value.Valid:
	case row.length.Valid:
		return item, tooLarge(row.length.Int64)
	default:
		return item, djsession.UnsignedError(fmt.Errorf("%w: value is null", djsession.ErrMalformed))
	}
	if item.Data, err = decode(row.value.String); err != nil {
		return item, djsession.UnsignedError(fmt.Errorf("%w: value is not base64: %w", djsession.ErrMalformed, err))
	}
	if len(item.Data) > c.config.Settings.MaxPayloadSize {
		item.Data, err = nil, tooLarge(int64(len(item.Data)))
	}
	return item, err
}

func tooLarge(size int64) error {
	return djsession.UnsignedError(fmt.Errorf("%d bytes: %w", size, djsession.ErrTooLarge))
}

// decode is b64decode, which skips what is no base64.
func decode(value string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		data, err = pybase64.AppendStd(nil, []byte(value))
	}
	return data, err
}

// made is the item that is about to be written.
func (c *Cache) made(data []byte, timeout time.Duration) (*cachestore.Item, error) {
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
		Version: version{base64.StdEncoding.EncodeToString(data), c.dialect.TimeParam(at, c.loc), at},
	}, nil
}
