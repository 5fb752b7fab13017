package pyvalue

import (
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
)

// build makes the object that a text with a mark stands for.
func build(m pyjson.Mark, text string) (*pickle.Object, error) {
	switch m {
	case pyjson.Datetime, pyjson.Naive:
		return datetime(text)
	case pyjson.Date:
		t, err := time.Parse("2006-01-02", text)
		if err != nil || t.Year() < 1 {
			return nil, errors.New("not a date")
		}
		return reduce("datetime", "date", fields(dateFields(t))), nil
	case pyjson.TimeOfDay:
		return timeOfDay(text)
	case pyjson.Timedelta:
		delta, err := pytime.ParseTimedelta(text)
		return buildTimedelta(delta), err
	case pyjson.Decimal:
		if !IsDecimal(text) {
			return nil, errors.New("not a Decimal as str() writes it")
		}
		return reduce("decimal", "Decimal", str(text)), nil
	case pyjson.UUID:
		id, ok := ParseUUID(text)
		if !ok {
			return nil, errors.New("not a UUID")
		}
		return reduce("uuid", "UUID", str(id)), nil
	}
	return nil, fmt.Errorf("unknown mark %q", byte(m))
}

func datetime(text string) (*pickle.Object, error) {
	t, naive, err := pytime.ParseISO(text)
	if err != nil {
		return nil, err
	}
	packed := fields(append(dateFields(t), clockFields(t)...))
	if naive {
		return reduce("datetime", "datetime", packed), nil
	}
	return reduce("datetime", "datetime", packed, timezone(t)), nil
}

// timeOfDay reads it as the end of a datetime.
func timeOfDay(text string) (*pickle.Object, error) {
	t, naive, err := pytime.ParseISO("2000-01-01T" + text)
	if err != nil {
		return nil, errors.New("not a time of day")
	}
	packed := fields(clockFields(t))
	if naive {
		return reduce("datetime", "time", packed), nil
	}
	return reduce("datetime", "time", packed, timezone(t)), nil
}

func fields(b []byte) *pickle.Object { return &pickle.Object{Kind: pickle.Bytes, Text: string(b)} }

func dateFields(t time.Time) []byte {
	return []byte{byte(t.Year() >> 8), byte(t.Year()), byte(t.Month()), byte(t.Day())}
}

func clockFields(t time.Time) []byte {
	micros := t.Nanosecond() / 1000
	return []byte{byte(t.Hour()), byte(t.Minute()), byte(t.Second()), byte(micros >> 16), byte(micros >> 8), byte(micros)}
}

// timezone is datetime.timezone of an offset; of none Python makes datetime.timezone.utc itself.
func timezone(t time.Time) *pickle.Object {
	_, offset := t.Zone()
	return reduce("datetime", "timezone", buildTimedelta(pytime.TimedeltaOf(time.Duration(offset)*time.Second)))
}

func buildTimedelta(d pytime.Timedelta) *pickle.Object {
	number := func(n int) *pickle.Object { return &pickle.Object{Kind: pickle.Int, Int: int64(n)} }
	return reduce("datetime", "timedelta", number(d.Days), number(d.Seconds), number(d.Microseconds))
}
