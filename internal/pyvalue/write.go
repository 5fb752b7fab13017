// Package pyvalue translates between the Python objects of package pickle and the marked JSON of package pyjson, which
// becomes Go values. Go has types for str and int, and also for datetimes, Decimals, UUIDs, sets and some others. All other
// objects are opaque: a caller sees a description of the object, and can write the object back.
package pyvalue

import (
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
)

// A Writer writes objects as text.
type Writer struct {
	Mode Mode
	// Limit bounds the text, in bytes. Items that are visited and not written also count.
	Limit int
	// Opaque are the objects that marked JSON refers to.
	Opaque []any

	open []*pickle.Object // the containers that are being written, the outermost first
	full bool             // the limit is reached, so Show stops
	end  int              // the largest length of the text

	zones zones
}

// Append appends the text of an object.
func (w *Writer) Append(dst []byte, o *pickle.Object) ([]byte, error) {
	w.begin(dst)
	return w.value(dst, o)
}

// Mode is the form that an object is written in.
type Mode uint8

const (
	Marked   Mode = iota // marked JSON: for Go values
	JSON                 // as json.dumps writes it; an object that it refuses is an error
	Portable             // JSON, with text or a list for each object that Go has a type for; any other object is an error
	Show                 // JSON for a person: an object without a JSON form is a string
)

// maxDepth bounds nesting. It also ends the writing of an object that holds itself.
const maxDepth = 1000

// ErrTooLarge is the error for an object whose text is longer than the limit, such as an object that holds another one many
// times.
var ErrTooLarge = errors.New("a Python object whose text is too long")

// These are the errors for an object that holds itself, and for objects that nest too deeply.
var (
	errEndless = &pyjson.OpaqueError{Object: "a Python object", Reason: "it holds itself"}
	errDeep    = &pyjson.OpaqueError{Object: "a Python object", Reason: "it is nested more than 1000 deep"}
)

// noJSON is the error for an object that json.dumps refuses.
func noJSON(object string) error {
	return &pyjson.OpaqueError{Object: object, Reason: "JSON has no form for this Python object"}
}

func (w *Writer) begin(dst []byte) {
	w.full = false
	w.end = math.MaxInt
	if w.Limit < math.MaxInt-len(dst) {
		w.end = len(dst) + w.Limit
	}
}

// look counts n items that are visited but not written. Each counts as a byte. look reports whether the limit allows them.
// A million objects may share one part, which is then visited a million times.
func (w *Writer) look(dst []byte, n int) bool {
	w.end -= n
	w.Limit -= n
	return len(dst) <= w.end
}

func (w *Writer) value(dst []byte, o *pickle.Object) ([]byte, error) {
	if len(dst)+len(o.Text) > w.end {
		return w.tooMuch(dst)
	}
	if o.Call != nil {
		return w.called(dst, o)
	}
	switch o.Kind {
	case pickle.None:
		return append(dst, "null"...), nil
	case pickle.Bool:
		return strconv.AppendBool(dst, o.Int != 0), nil
	case pickle.Int:
		if !o.HasDecimal() {
			return w.opaque(dst, o, Describe(o))
		}
		if o.Text != "" {
			return append(dst, o.Text...), nil
		}
		return strconv.AppendInt(dst, o.Int, 10), nil
	case pickle.Float:
		return pyjson.AppendFloat(dst, o.Float(), 64), nil
	case pickle.Str:
		return w.str(dst, o.Text)
	case pickle.Bytes:
		return w.text(dst, pyjson.Bytes, base64.StdEncoding.EncodeToString([]byte(o.Text)))
	case pickle.ByteArray:
		return w.text(dst, pyjson.ByteArray, base64.StdEncoding.EncodeToString([]byte(o.Text)))
	case pickle.List:
		return w.list(dst, o, o.Items)
	case pickle.Tuple:
		return w.marked(dst, pyjson.Tuple, o, o.Items)
	case pickle.Set:
		return w.marked(dst, pyjson.Set, o, o.Items)
	case pickle.FrozenSet:
		return w.marked(dst, pyjson.FrozenSet, o, o.Items)
	case pickle.Dict:
		return w.dict(dst, o, o.Items)
	}
	return w.opaque(dst, o, Describe(o))
}

// str writes a string. Its escapes count towards the limit.
func (w *Writer) str(dst []byte, text string) ([]byte, error) {
	if len(dst)+len(text) > w.end {
		return w.tooMuch(dst)
	}
	appendString := pyjson.AppendString
	if w.Mode == Marked {
		appendString = pyjson.AppendMarkedString
	}
	out, err := appendString(dst, text)
	if err == nil && len(out) > w.end {
		return w.tooMuch(out[:len(dst)])
	}
	return out, err
}

// enter opens one more container. It returns an error for an object within itself. It compares only with the outermost
// containers, and maxDepth ends a cycle further inside.
func (w *Writer) enter(o *pickle.Object) error {
	const outer = 64
	if slices.Contains(w.open[:min(len(w.open), outer)], o) {
		return errEndless
	}
	if len(w.open) >= maxDepth {
		return errDeep
	}
	w.open = append(w.open, o)
	return nil
}

func (w *Writer) leave() { w.open = w.open[:len(w.open)-1] }

func (w *Writer) list(dst []byte, o *pickle.Object, items []*pickle.Object) ([]byte, error) {
	if err := w.enter(o); err != nil {
		return w.instead(dst, err)
	}
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.value(dst, item); err != nil {
			return dst, err
		}
		if w.full {
			break
		}
	}
	w.leave()
	return append(dst, ']'), nil
}

// marked writes a collection that is a list in JSON, or has no form in JSON.
func (w *Writer) marked(dst []byte, m pyjson.Mark, o *pickle.Object, items []*pickle.Object) ([]byte, error) {
	switch {
	case w.Mode == Marked:
		dst = pyjson.AppendMark(dst, m)
	case w.Mode == JSON && m != pyjson.Tuple:
		return dst, noJSON(nameOfMark[m])
	}
	return w.list(dst, o, items)
}

// text writes an object that JSON has no form for, as a string. The text is ASCII without quotes.
func (w *Writer) text(dst []byte, m pyjson.Mark, text string) ([]byte, error) {
	if len(dst)+len(text) > w.end {
		return w.tooMuch(dst)
	}
	switch w.Mode {
	case Marked:
		dst = pyjson.AppendMark(dst, m)
	case JSON:
		return dst, noJSON(nameOfMark[m])
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"'), nil
}

func (w *Writer) dict(dst []byte, o *pickle.Object, items []*pickle.Object) ([]byte, error) {
	if err := w.enter(o); err != nil {
		return w.instead(dst, err)
	}
	dst = append(dst, '{')
	for i := 0; i+1 < len(items); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.key(dst, items[i]); err != nil {
			return dst, err
		}
		if dst, err = w.value(append(dst, ':'), items[i+1]); err != nil {
			return dst, err
		}
		if w.full {
			break
		}
	}
	w.leave()
	return append(dst, '}'), nil
}

// opaque writes an object that Go has no type for.
func (w *Writer) opaque(dst []byte, o *pickle.Object, description string) ([]byte, error) {
	switch w.Mode {
	case JSON, Portable:
		return dst, noJSON(description)
	case Marked:
		dst = pyjson.AppendMark(dst, pyjson.Opaque)
		dst = strconv.AppendInt(dst, int64(len(w.Opaque)), 10)
		w.Opaque = append(w.Opaque, o)
	}
	return w.str(dst, description)
}

func (w *Writer) tooMuch(dst []byte) ([]byte, error) {
	w.full = true
	return w.instead(dst, ErrTooLarge)
}

// instead writes an ellipsis in place of an object that is too large, or returns the error.
func (w *Writer) instead(dst []byte, err error) ([]byte, error) {
	if w.Mode == Show {
		return append(dst, `"\u2026"`...), nil
	}
	return dst, err
}

// called writes an object that a call made. The class or function that was called decides the form.
func (w *Writer) called(dst []byte, o *pickle.Object) ([]byte, error) {
	if text, ok := Str(o); ok {
		return w.str(dst, text)
	}
	if !w.look(dst, weight(o)) {
		return w.tooMuch(dst)
	}
	if items, kind := dictItems(o); kind != noDict {
		if kind == orderedDict && w.Mode == Marked {
			dst = pyjson.AppendMark(dst, pyjson.Ordered)
		}
		return w.dict(dst, o, items)
	}
	if items, ok := dequeItems(o); ok {
		return w.marked(dst, pyjson.Deque, o, items)
	}
	if mark, text := w.zones.scalar(o); mark != 0 {
		return w.text(dst, mark, text)
	}
	return w.opaque(dst, o, Describe(o))
}

// weight is how many items or bytes must be visited to learn what a call makes: the items of dicts and deques, and the text
// of dates and numbers.
func weight(o *pickle.Object) (n int) {
	if o.Call.Args != nil && len(o.Call.Args.Items) > 0 {
		first := o.Call.Args.Items[0]
		n = len(first.Text) + len(first.Items)
	}
	if len(o.Call.Steps) > 0 {
		n += len(o.Call.Steps[0].Items)
	}
	return n
}
