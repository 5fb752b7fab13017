// Package serializer has django-redis's serializers. It works on bytes and Python objects and does not know Redis.
package serializer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/pyvalue"
	"github.com/djsess/djsess/signing"
)

// maxWritten is the largest output, in bytes. A pickled session may refer to one object many times. The output repeats the
// object each time, since neither format has references.
const maxWritten = signing.DefaultMaxSize

// AppendJSON appends a dict as json.dumps(…, cls=DjangoJSONEncoder) writes it. For a value that has no JSON form the error
// is a pyjson.ErrOpaque, and for more than maxWritten bytes a signing.ErrTooLarge.
func AppendJSON(dst []byte, dict *pickle.Object) ([]byte, error) {
	w := pyvalue.Writer{Limit: maxWritten}
	marked, err := w.Append(nil, dict)
	if errors.Is(err, pyvalue.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", signing.ErrTooLarge, err)
	}
	if err != nil {
		return dst, err
	}
	return appendDjangoJSON(dst, string(marked))
}

// JSONToASCII returns JSON in UTF-8 as JSON in ASCII, which package pyjson reads.
func JSONToASCII(data []byte) ([]byte, error) {
	if isASCII(data) {
		return data, nil
	}
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	text, err := pyjson.Normalize(string(data), pyjson.Limits{})
	return []byte(text), err
}

func isASCII(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// appendDjangoJSON writes marked JSON as DjangoJSONEncoder writes the same values.
func appendDjangoJSON(dst []byte, marked string) ([]byte, error) {
	for i := 0; i < len(marked); {
		mark, end := pyjson.MarkAt(marked, i)
		if mark != 0 {
			taken, err := appendMarked(&dst, mark, marked[end:])
			if err != nil {
				return dst, err
			}
			i = end + taken
			continue
		}
		switch c := marked[i]; c {
		case ',', ':':
			dst = append(dst, c, ' ')
			i++
		case '"':
			text := stringAt(marked[i:])
			dst = pyjson.AppendUnmarked(dst, text)
			i += len(text)
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst, nil
}

// appendMarked writes the value after a mark. It returns the length of that value in rest.
func appendMarked(dst *[]byte, mark pyjson.Mark, rest string) (taken int, err error) {
	switch mark {
	case pyjson.Tuple, pyjson.Ordered:
		return 0, nil
	case pyjson.Key:
		return appendKey(dst, rest)
	}
	if rest == "" || rest[0] != '"' {
		return 0, refused(mark)
	}
	quoted := stringAt(rest)
	text := quoted[1 : len(quoted)-1] // none of these texts needs an escape
	switch mark {
	case pyjson.Date, pyjson.Decimal, pyjson.UUID:
	case pyjson.Datetime, pyjson.Naive:
		if strings.IndexByte(text, '.') == 19 { // microseconds: three digits of the fraction stay
			text = text[:23] + text[26:]
		}
		if utc, ok := strings.CutSuffix(text, "+00:00"); ok {
			text = utc + "Z"
		}
	case pyjson.TimeOfDay:
		if strings.ContainsAny(text, "+-") {
			return 0, fmt.Errorf("a time with an offset has no JSON form in Django: %w", pyjson.ErrOpaque)
		}
		text = text[:min(len(text), len("12:34:56.789"))]
	case pyjson.Timedelta:
		delta, err := pytime.ParseTimedelta(text)
		if err != nil {
			return 0, err
		}
		text = isoDuration(delta)
	default:
		return 0, refused(mark)
	}
	*dst = append(append(append(*dst, '"'), text...), '"')
	return len(quoted), nil
}

// appendKey writes a key that is not a str as json.dumps does: numbers, booleans and None become text.
func appendKey(dst *[]byte, rest string) (taken int, err error) {
	if mark, _ := pyjson.MarkAt(rest, 0); mark != 0 || rest == "" || rest[0] == '[' || rest[0] == '{' {
		return 0, fmt.Errorf("a key that is not text, a number, a boolean or None has no JSON form: %w", pyjson.ErrOpaque)
	}
	if rest[0] == '"' { // of a subclass of str
		key := stringAt(rest)
		*dst = pyjson.AppendUnmarked(*dst, key)
		return len(key), nil
	}
	taken = strings.IndexByte(rest, ':')
	*dst = append(append(append(*dst, '"'), rest[:taken]...), '"')
	return taken, nil
}

// refused returns the error where json.dumps raises a TypeError.
func refused(mark pyjson.Mark) error {
	what := map[pyjson.Mark]string{
		pyjson.Bytes: "a bytes object", pyjson.ByteArray: "a bytearray",
		pyjson.Set: "a set", pyjson.FrozenSet: "a frozenset", pyjson.Deque: "a deque",
	}[mark]
	if what == "" {
		what = "an object of a class that is not known here"
	}
	return fmt.Errorf("%s has no JSON form: %w", what, pyjson.ErrOpaque)
}

// stringAt returns the JSON string that text begins with.
func stringAt(text string) string {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i+1]
		}
	}
	return text
}

// isoDuration is django.utils.duration.duration_iso_string.
func isoDuration(d pytime.Timedelta) string {
	sign := ""
	if d.Days < 0 {
		// The other parts of a negative timedelta count up from its days.
		sign = "-"
		micros := int64(d.Seconds)*1e6 + int64(d.Microseconds)
		d.Days = -d.Days
		if micros > 0 {
			const day = 86400 * 1e6
			d.Days--
			micros = day - micros
		}
		d.Seconds, d.Microseconds = int(micros/1e6), int(micros%1e6)
	}
	fraction := ""
	if d.Microseconds > 0 {
		fraction = fmt.Sprintf(".%06d", d.Microseconds)
	}
	return fmt.Sprintf("%sP%dDT%02dH%02dM%02d%sS", sign, d.Days, d.Seconds/3600, d.Seconds/60%60, d.Seconds%60, fraction)
}
