package djsession

import (
	"errors"
	"fmt"
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
