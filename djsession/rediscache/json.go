package rediscache

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/magic"
	"github.com/djsess/djsess/internal/pydict"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
	"github.com/djsess/djsess/signing"
)

// JSONSerializer is django_redis.serializers.json.JSONSerializer. It writes what
// DjangoJSONEncoder does: instants cut to milliseconds and with a Z for UTC, which are
// text when they are read again, as are Decimals and UUIDs; tuples are lists.
//
// Whatever has no form there (bytes, sets) is a djsession.ErrOpaque, and what would be
// over 32 MiB a djsession.ErrTooLarge.
type JSONSerializer struct{}

// Append writes JSON in ASCII, with ", " and ": ".
func (JSONSerializer) Append(dst []byte, v *djsession.Values) ([]byte, error) {
	dict, err := pydict.Of(v)
	if err != nil {
		return dst, err
	}
	w := pyvalue.Writer{Limit: maxWritten}
	native, err := w.Append(nil, dict)
	if errors.Is(err, pyvalue.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", djsession.ErrTooLarge, err)
	}
	if err != nil {
		return dst, fmt.Errorf("session as JSON: %w", err)
	}
	out, err := appendDjangoJSON(dst, string(native))
	if err != nil {
		return dst, fmt.Errorf("session as JSON: %w", err)
	}
	return out, nil
}

// maxWritten bounds what is written: a session that was pickled may hold one thing over
// and over, which has no end in a format without references.
const maxWritten = signing.DefaultMaxSize

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
