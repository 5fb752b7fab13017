package djsession

// Serializer is SESSION_SERIALIZER: how the values of a session become bytes and
// back, before they are signed or cached. JSONSerializer and PickleSerializer are
// Django's. A site's own is a type with these two methods; it must be safe for use
// by several goroutines.
type Serializer interface {
	// Append is dumps: it appends the values to dst.
	Append(dst []byte, v *Values) ([]byte, error)
	// Parse is loads. It neither keeps nor changes data, which is as large as the
	// settings allow at most. What it cannot read is an error, best an
	// ErrMalformed that names what was found and what was expected.
	Parse(data []byte) (*Values, error)
}

// JSONSerializer is django.contrib.sessions.serializers.JSONSerializer, the default.
type JSONSerializer struct{}

// Append writes JSON as Python does: see Values.AppendPythonJSON.
func (JSONSerializer) Append(dst []byte, v *Values) ([]byte, error) { return v.AppendPythonJSON(dst) }

// Parse reads JSON as json.loads does.
func (JSONSerializer) Parse(data []byte) (*Values, error) { return parseValues(string(data)) }
