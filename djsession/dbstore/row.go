package dbstore

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// row is what rowColumns selects.
type row struct {
	data    sql.NullString // null when it is too long, and in a table that allows it
	length  sql.NullInt64
	expires any
}

func (r *row) dst() []any { return []any{&r.data, &r.length, &r.expires} }

// version is what a record's Version holds: the row as it was read. The expiry
// counts as well as the text, since somebody may change nothing else, to end a
// session.
type version struct {
	data    string
	expires any // as the database has it: a time.Time or a string
	at      time.Time
}

// same tells whether it is the same row; a column may hold less of a time than it
// was sent.
func (v version) same(other version) bool {
	return v.data == other.data && v.at.Sub(other.at).Abs() < time.Second
}

// is reports whether v is the row that was written, with the same expiry to the
// microsecond: two requests that add one to the same number within a second may write the
// same text.
func (v version) is(written version) bool {
	return v.data == written.data && v.at.Equal(written.at)
}

// record makes a record of a row. With a payload that cannot be trusted it
// returns the record without values, and the error.
func (s *Store) record(key string, row row) (*djsession.Record, error) {
	r := &djsession.Record{Key: key}
	var err error
	if r.Expires, err = s.dialect.ParseTime(row.expires, s.loc); err != nil {
		return r, &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err)}
	}
	switch {
	case row.data.Valid:
	case row.length.Valid:
		return r, &djsession.PayloadError{Err: fmt.Errorf("%d bytes: %w", row.length.Int64, djsession.ErrTooLarge)}
	default:
		return r, &djsession.PayloadError{Err: fmt.Errorf("%w: session_data is null", djsession.ErrMalformed)}
	}
	seen := row.expires
	switch t := seen.(type) {
	case []byte:
		seen = string(t)
	case time.Time:
		seen = t.UTC()
	}
	r.Version = version{row.data.String, seen, r.Expires}
	r.Values, r.Origin, err = s.codec.Decode([]byte(row.data.String))
	return r, err
}
