package djsession

import "github.com/djsess/djsess/internal/pyjson"

// AppendPythonJSON appends the values as the JSON that is stored: what was read,
// byte for byte, when nothing changed.
func (v Values) AppendPythonJSON(dst []byte) ([]byte, error) {
	if v.text != "" {
		return append(dst, v.text...), nil
	}
	dst = append(dst, '{')
	for i := range v.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &v.members[i]
		dst = append(dst, m.RawName...)
		dst = append(dst, ':')
		dst = append(dst, m.Raw...)
	}
	return append(dst, '}'), nil
}

// UnmarshalPythonJSON replaces the values by those of a JSON object that Python
// wrote.
func (v *Values) UnmarshalPythonJSON(text string) error {
	read, err := parseValues(text)
	if err != nil {
		return err
	}
	*v = *read
	return nil
}

// MarshalJSON writes the values as JSON that any reader takes: NaN and the
// infinities, which only Python's JSON has, become strings.
func (v Values) MarshalJSON() ([]byte, error) {
	text, err := v.AppendPythonJSON(nil)
	if err != nil {
		return nil, err
	}
	return pyjson.AppendStandard(make([]byte, 0, len(text)), string(text)), nil
}

// UnmarshalJSON replaces the values by those of a JSON object in UTF-8, stored as
// Python would store them after reading it.
func (v *Values) UnmarshalJSON(json []byte) error {
	text, err := pyjson.Normalize(string(json), pyjson.Limits{Depth: pyjson.MaxWriteDepth})
	if err != nil {
		return err
	}
	return v.UnmarshalPythonJSON(text)
}
