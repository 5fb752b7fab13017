package djsession

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

// Parse reads JSON as json.loads does.
func (JSONSerializer) Parse(data []byte) (*Values, error) { return parseValues(string(data)) }
