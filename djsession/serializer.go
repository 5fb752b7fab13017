package djsession

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/djsess/djsess/internal/sniff"
)

// Serializer is SESSION_SERIALIZER: it turns the values of a session into bytes and back. The
// bytes are then signed or cached. JSONSerializer and PickleSerializer are Django's. For a
// site's own serializer, write a type with these two methods. It must be safe for use by
// several goroutines.
type Serializer interface {
	// Append is dumps: it appends the values to dst.
	Append(dst []byte, v *Values) ([]byte, error)
	// Parse is loads. It must neither keep nor change data. The settings bound the length of
	// data. The error should be an ErrMalformed that names what was found and what was
	// expected.
	Parse(data []byte) (*Values, error)
}

// JSONSerializer is django.contrib.sessions.serializers.JSONSerializer, the default.
type JSONSerializer struct{}

// Append writes JSON as Python does: see Values.AppendPythonJSON.
func (JSONSerializer) Append(dst []byte, v *Values) ([]byte, error) { return v.AppendPythonJSON(dst) }

// Parse reads JSON as json.loads does. Data that is not a JSON object is an ErrMalformed. If it is
// no JSON at all, the error says what it seems to be.
func (JSONSerializer) Parse(data []byte) (*Values, error) {
	v, err := parseValues(string(data))
	if err == nil || errors.Is(err, ErrTooLarge) {
		return v, err
	}
	if found := sniff.Name(data); !strings.HasPrefix(found, "a JSON object") {
		err = fmt.Errorf("%s in place of a JSON object: %w", found, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
}

// Serializers are the serializers of a site that has sessions of several kinds. The first
// writes. A payload is read by the first one that can read it. It is a SESSION_SERIALIZER for a
// site that moves its sessions from pickles to JSON and whose own serializer reads both:
//
//	settings.SessionSerializer = djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
//
// Each save of a session writes all of it with the first serializer, also the values that did
// not change. A value that this serializer cannot write is an error, and the session stays as
// it was stored: JSON takes no datetime (see ErrOpaque). As in Python, a tuple becomes a list and
// the name 1 becomes "1".
//
// Django must be able to read what the first one writes. Django's own serializers read only
// what they write.
type Serializers []Serializer

// Append writes with the first serializer.
func (s Serializers) Append(dst []byte, v *Values) ([]byte, error) {
	if len(s) == 0 {
		return dst, errNoSerializer
	}
	return s[0].Append(dst, v)
}

// Parse returns what the first serializer reads that can read the data. If none can, the error is
// an ErrMalformed with the reasons of all, or the ErrTooLarge of the first that returned one.
func (s Serializers) Parse(data []byte) (*Values, error) {
	v, _, err := s.ParseBy(data)
	return v, err
}

// ParseBy is Parse, and also returns which serializer has read the data: 0 for the one that
// writes. See Origin.Old.
func (s Serializers) ParseBy(data []byte) (v *Values, by int, err error) {
	if len(s) == 0 {
		return nil, 0, errNoSerializer
	}
	var reasons error
	for by, serializer := range s {
		v, err := serializer.Parse(data)
		switch {
		case err == nil || errors.Is(err, ErrTooLarge):
			return v, by, err
		case reasons == nil:
			reasons = err
		default:
			reasons = fmt.Errorf("%w; %w", reasons, err)
		}
	}
	return nil, 0, reasons
}

var errNoSerializer = errors.New("djsession: settings: SESSION_SERIALIZER: Serializers without a serializer")

// check returns an error if there is no serializer, or one is nil.
func (s Serializers) check() error {
	if len(s) == 0 || slices.Contains(s, nil) {
		return errNoSerializer
	}
	return nil
}
