package sqltable

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Row is a row as it was read.
type Row struct {
	Key     string
	Data    sql.NullString // null if the data are too long, or if the column is null
	Length  sql.NullInt64  // of the data, in bytes
	Expires any            // as the driver returns it
}

// fields returns the targets for a Scan of the columns in Table.fields.
func (r *Row) fields() []any { return []any{&r.Data, &r.Length, &r.Expires} }

// Version is the content of a row when it was read or written. Rows with the same data and
// another time are different versions: an operator may end a session by changing only its time.
type Version struct {
	Data string
	// Expires is the time as the database has it: a time.Time or a string.
	Expires any
	// At is the same time as an instant.
	At time.Time
}

// Equal reports whether two versions have the same data and the same time, to the microsecond.
// The time distinguishes two requests that add one to the same number and so write the same
// data.
func (v Version) Equal(other Version) bool { return v.Data == other.Data && v.At.Equal(other.At) }

// Same reports whether two versions are the same, up to Config.TimeSlack.
func (t *Table) Same(a, b Version) bool {
	return a.Data == b.Data && a.At.Sub(b.At).Abs() <= t.config.TimeSlack
}

// Parse returns the version of a row. The error is a *djsession.PayloadError. If only the data
// are wrong, Parse also returns a version with the time.
func (t *Table) Parse(row Row) (Version, error) {
	at, err := t.parseTime(row.Expires)
	if err != nil {
		return Version{}, t.PayloadError(fmt.Errorf("%w: %s is %w", djsession.ErrMalformed, t.config.Expires, err))
	}
	v := Version{row.Data.String, row.Expires, at}
	switch seen := row.Expires.(type) {
	case []byte:
		v.Expires = string(seen)
	case time.Time:
		v.Expires = seen.UTC()
	}
	switch {
	case row.Data.Valid:
		return v, nil
	case row.Length.Valid:
		return v, t.PayloadError(fmt.Errorf("%d bytes: %w", row.Length.Int64, djsession.ErrTooLarge))
	}
	return v, t.PayloadError(fmt.Errorf("%w: %s is null", djsession.ErrMalformed, t.config.Data))
}

// parseTime returns the instant of a time that was read. Infinity is a session without an end, as
// Django's datetime.max is.
func (t *Table) parseTime(value any) (time.Time, error) {
	switch t.Dialect.Infinity(value) {
	case 1:
		return djsession.Never, nil
	case -1:
		return time.Unix(0, 0).UTC(), nil // it has ended
	}
	return t.Dialect.ParseTime(value, t.Location)
}

// PayloadError returns the error for data that cannot be trusted.
func (t *Table) PayloadError(err error) error {
	return &djsession.PayloadError{Form: t.config.Form, Err: err}
}

// NewVersion returns the version that is about to be written.
func (t *Table) NewVersion(data string, at time.Time) Version {
	return Version{data, t.Param(at), at}
}
