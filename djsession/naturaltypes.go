package djsession

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

// What Python has a type for and Go has not. In a session that is JSON they are texts,
// as str() writes them, and lists.
type (
	// Decimal is decimal.Decimal, as str() writes it: "1.10", "-1E+3", "NaN".
	Decimal string
	// ByteArray is bytearray; bytes are a []byte.
	ByteArray []byte
	// Tuple is tuple.
	Tuple []any
	// PySet is set. Its elements must be different and hashable in Python: no
	// lists, maps or sets.
	PySet []any
	// FrozenSet is frozenset; see PySet.
	FrozenSet []any
	// UUID is uuid.UUID.
	UUID [16]byte
)

var _ = pyjson.Register(
	pyjson.Natural{Mark: pyjson.Decimal, Type: reflect.TypeFor[Decimal]()},
	pyjson.Natural{Mark: pyjson.ByteArray, Type: reflect.TypeFor[ByteArray]()},
	pyjson.Natural{Mark: pyjson.Tuple, Type: reflect.TypeFor[Tuple]()},
	pyjson.Natural{Mark: pyjson.Set, Type: reflect.TypeFor[PySet]()},
	pyjson.Natural{Mark: pyjson.FrozenSet, Type: reflect.TypeFor[FrozenSet]()},
	pyjson.Natural{Mark: pyjson.UUID, Type: reflect.TypeFor[UUID]()},
	pyjson.Natural{Mark: pyjson.Naive, Type: reflect.TypeFor[NaiveTime]()},
	pyjson.Natural{Mark: pyjson.Date, Type: reflect.TypeFor[Date]()},
	pyjson.Natural{Mark: pyjson.TimeOfDay, Type: reflect.TypeFor[TimeOfDay]()},
	pyjson.Natural{Mark: pyjson.Timedelta, Type: reflect.TypeFor[Timedelta]()},
)

// MarshalText returns the number, if it is one.
func (d Decimal) MarshalText() ([]byte, error) {
	if !pyvalue.IsDecimal(string(d)) {
		return nil, errors.New("not a Decimal as Python writes it")
	}
	return []byte(d), nil
}

// UnmarshalText reads a number as Python writes it.
func (d *Decimal) UnmarshalText(text []byte) error {
	if !pyvalue.IsDecimal(string(text)) {
		return errors.New("not a Decimal as Python writes it")
	}
	*d = Decimal(text)
	return nil
}

// String returns 32 digits and four dashes, as Python does.
func (u UUID) String() string {
	text, _ := pyvalue.ParseUUID(hex.EncodeToString(u[:]))
	return text
}

// MarshalText returns String.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads 32 digits, with or without dashes.
func (u *UUID) UnmarshalText(text []byte) error {
	id, ok := pyvalue.ParseUUID(string(text))
	if !ok {
		return errors.New("not a UUID")
	}
	*u = UUID{}
	at := 0
	for i := 0; i < len(id); i += 2 {
		if id[i] == '-' {
			i++
		}
		if _, err := fmt.Sscanf(id[i:i+2], "%02x", &u[at]); err != nil {
			return err
		}
		at++
	}
	return nil
}

// Date is datetime.date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of a time, on its own clock.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// In returns the day's first instant in a place.
func (d Date) In(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// String returns isoformat().
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }

// MarshalText returns isoformat(), of a day that there is in Python.
func (d Date) MarshalText() ([]byte, error) {
	if d.Year < 1 || d.Year > 9999 || DateOf(d.In(time.UTC)) != d {
		return nil, errors.New("not a date")
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads isoformat().
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil || t.Year() < 1 {
		return errors.New("not a date")
	}
	*d = DateOf(t)
	return nil
}
