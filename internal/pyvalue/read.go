package pyvalue

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
)

// Parse returns the object that marked JSON describes, as Python would build it. The text must be checked JSON or marked JSON.
// opaque are the objects that it refers to.
func Parse(text string, opaque []any) (*pickle.Object, error) {
	r := reader{text: text, opaque: opaque}
	return r.value()
}

// A reader reads text that is known to be valid.
type reader struct {
	text   string
	i      int
	opaque []any
}

// token takes the next token.
func (r *reader) token() pyjson.Token {
	for r.i < len(r.text) {
		kind, end := pyjson.TokenAt(r.text, r.i)
		if end < 0 {
			break
		}
		part := r.text[r.i:end]
		r.i = end
		if kind != 0 {
			return pyjson.Token{Kind: kind, Text: part}
		}
	}
	return pyjson.Token{}
}

// space skips white space, commas and colons up to the next token or mark.
func (r *reader) space() {
	for r.i < len(r.text) {
		switch r.text[r.i] {
		case ' ', '\t', '\r', '\n', ',', ':':
			r.i++
			continue
		}
		return
	}
}

func (r *reader) value() (*pickle.Object, error) {
	r.space()
	if m, end := pyjson.MarkAt(r.text, r.i); m != 0 {
		r.i = end
		return r.marked(m)
	}
	switch t := r.token(); t.Kind {
	case pyjson.Null:
		return &pickle.Object{Kind: pickle.None}, nil
	case pyjson.True:
		return &pickle.Object{Kind: pickle.Bool, Int: 1}, nil
	case pyjson.False:
		return &pickle.Object{Kind: pickle.Bool}, nil
	case pyjson.Number:
		return number(t.Text), nil
	case pyjson.String, pyjson.Name:
		return str(pyjson.MarkedText(t.Text)), nil
	case pyjson.BeginArray:
		items, err := r.items()
		return &pickle.Object{Kind: pickle.List, Items: items}, err
	case pyjson.BeginObject:
		items, err := r.items()
		return &pickle.Object{Kind: pickle.Dict, Items: items}, err
	}
	return nil, fmt.Errorf("no value at offset %d", r.i)
}

// items takes the rest of an array, or of an object its names and values in turn. If a name occurs twice, the last value
// counts, in the place of the first.
func (r *reader) items() ([]*pickle.Object, error) {
	var items []*pickle.Object
	for {
		r.space()
		if r.i < len(r.text) && (r.text[r.i] == ']' || r.text[r.i] == '}') {
			r.i++
			return items, nil
		}
		m, end := pyjson.MarkAt(r.text, r.i)
		if m == pyjson.Key {
			r.i = end
		}
		item, err := r.value()
		if err == nil && m == pyjson.Key {
			err = checkHashable([]*pickle.Object{item})
		}
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}

func str(s string) *pickle.Object { return &pickle.Object{Kind: pickle.Str, Text: s} }

// number reads an int of any size, or a float.
func number(text string) *pickle.Object {
	switch n := pyjson.ParseNumber(text).(type) {
	case int64:
		return &pickle.Object{Kind: pickle.Int, Int: n}
	case float64:
		return &pickle.Object{Kind: pickle.Float, Int: int64(math.Float64bits(n))}
	}
	return &pickle.Object{Kind: pickle.Int, Text: text}
}

// marked takes the value after a mark.
func (r *reader) marked(m pyjson.Mark) (*pickle.Object, error) {
	if m == pyjson.Opaque {
		index, end := pyjson.OpaqueAt(r.text, r.i)
		r.i = end
		r.token()
		if index < len(r.opaque) {
			if o, ok := r.opaque[index].(*pickle.Object); ok {
				return o, nil
			}
		}
		return nil, errors.New("no opaque value with this index")
	}
	o, err := r.value()
	if err != nil {
		return nil, err
	}
	switch m {
	case pyjson.Tuple:
		o.Kind = pickle.Tuple
		return o, nil
	case pyjson.Set:
		o.Kind = pickle.Set
		return o, checkHashable(o.Items)
	case pyjson.FrozenSet:
		o.Kind = pickle.FrozenSet
		return o, checkHashable(o.Items)
	case pyjson.Deque:
		return called("collections", "deque", pickle.AppendItems, o.Items), nil
	case pyjson.Ordered:
		return called("collections", "OrderedDict", pickle.SetItems, o.Items), nil
	case pyjson.Bytes, pyjson.ByteArray:
		b, err := base64.StdEncoding.DecodeString(o.Text)
		if o.Kind = pickle.Bytes; m == pyjson.ByteArray {
			o.Kind = pickle.ByteArray
		}
		o.Text = string(b)
		return o, err
	}
	return build(m, o.Text)
}

// checkHashable returns an error for items that cannot be in a set in Python. Python could not load the set, and the whole
// session would be lost. Opaque objects are accepted.
func checkHashable(items []*pickle.Object) error {
	for _, o := range items {
		switch o.Kind {
		case pickle.List, pickle.Dict, pickle.Set, pickle.ByteArray:
			return errors.New(Describe(o) + " cannot be in a set")
		case pickle.Tuple:
			if err := checkHashable(o.Items); err != nil {
				return err
			}
		}
		if holdsItems(o) {
			return errors.New("a dict or a deque cannot be in a set")
		}
	}
	return nil
}

// called returns a call of a module's class without arguments, and with items that are added to the result.
func called(module, name string, kind pickle.StepKind, items []*pickle.Object) *pickle.Object {
	o := reduce(module, name)
	if len(items) > 0 {
		o.Call.Steps = []pickle.Step{{Kind: kind, Items: items}}
	}
	return o
}

// reduce returns a call of a module's class or function.
func reduce(module, name string, args ...*pickle.Object) *pickle.Object {
	return &pickle.Object{Kind: pickle.Reduce, Call: &pickle.Call{
		Callable: &pickle.Object{Kind: pickle.Global, Text: module + "\n" + name},
		Args:     &pickle.Object{Kind: pickle.Tuple, Items: args},
	}}
}

// build makes the object that a text with a mark describes.
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
		if !pytype.Decimal(text).IsValid() {
			return nil, errors.New("not a Decimal as str() writes it")
		}
		return reduce("decimal", "Decimal", str(text)), nil
	case pyjson.UUID:
		id, err := pytype.ParseUUID(text)
		if err != nil {
			return nil, err
		}
		return reduce("uuid", "UUID", str(id.String())), nil
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

// timeOfDay reads a time of day. It parses it as the end of a datetime.
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

// timezone returns the datetime.timezone of an offset. For an offset of zero Python returns datetime.timezone.utc itself.
func timezone(t time.Time) *pickle.Object {
	_, offset := t.Zone()
	return reduce("datetime", "timezone", buildTimedelta(pytime.TimedeltaOf(time.Duration(offset)*time.Second)))
}

func buildTimedelta(d pytime.Timedelta) *pickle.Object {
	number := func(n int) *pickle.Object { return &pickle.Object{Kind: pickle.Int, Int: int64(n)} }
	return reduce("datetime", "timedelta", number(d.Days), number(d.Seconds), number(d.Microseconds))
}
