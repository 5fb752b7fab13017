package rediscache

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/magic"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

// JSONSerializer is django_redis.serializers.json.JSONSerializer. It writes what
// DjangoJSONEncoder does: instants cut to milliseconds and with a Z for UTC, which are
// text when they are read again, as are Decimals and UUIDs; tuples are lists.
//
// Whatever has no form there (bytes, sets) is a djsession.ErrOpaque.
type JSONSerializer struct{}

// Append writes JSON in ASCII, with ", " and ": ".
func (JSONSerializer) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	dict, err := v.Python()
	if err != nil {
		return dst, err
	}
	w := pyvalue.Writer{Limit: math.MaxInt}
	native, err := w.Append(nil, dict)
	if err != nil {
		return dst, fmt.Errorf("session as JSON: %w", err)
	}
	out, err := appendDjangoJSON(dst, string(native))
	if err != nil {
		return dst, fmt.Errorf("session as JSON: %w", err)
	}
	return out, nil
}

// Parse reads JSON in UTF-8. What is none, or not an object, is a
// djsession.ErrMalformed that says what it is.
func (JSONSerializer) Parse(data []byte) (*djsession.Values, error) {
	malformed := func(err error) (*djsession.Values, error) {
		return nil, fmt.Errorf("%w: %s in place of a JSON object: %w", djsession.ErrMalformed, magic.Name(data), err)
	}
	if !isASCII(data) {
		if !utf8.Valid(data) {
			return malformed(fmt.Errorf("not UTF-8"))
		}
		text, err := pyjson.Normalize(string(data), pyjson.Limits{})
		if err != nil {
			return malformed(err)
		}
		data = []byte(text)
	}
	v, err := djsession.JSONSerializer{}.Parse(data)
	if err != nil {
		return malformed(err)
	}
	return v, nil
}

func isASCII(data []byte) bool {
	for _, b := range data {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
