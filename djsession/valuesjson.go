package djsession

import (
	"fmt"
	"iter"

	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pyvalue"
)

// AppendPythonJSON appends the values as the JSON that is stored. If nothing has changed,
// that is the JSON that was read, byte for byte. A session that was pickled is written as
// json.dumps would write it: datetimes, bytes, sets and instances are an ErrOpaque, as
// json.dumps refuses them. A pickle can refer to one object many times. If the JSON would be
// far larger than the pickle, the error is an ErrTooLarge.
func (v Values) AppendPythonJSON(dst []byte) ([]byte, error) {
	if v.text != "" {
		return append(dst, v.text...), nil
	}
	if v.python != nil {
		return v.appendMembers(dst, pyvalue.JSON)
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

// AppendShown appends the values for a person to read. It differs from AppendPythonJSON in
// two ways: a value that JSON has no form for is a string, such as
// "2031-02-03T04:05:06+00:00" or "myapp.models.Cart(…)", and a value that is too large ends in
// "…". The text cannot be read back without loss.
func (v *Values) AppendShown(dst []byte) []byte {
	var out []byte
	var err error
	if v.python == nil {
		out, err = v.AppendPythonJSON(dst)
	} else {
		out, err = v.appendMembers(dst, pyvalue.Show)
	}
	if err != nil { // Show has none, but for a fault in djsess
		return append(dst, "null"...)
	}
	return out
}

// appendMembers writes values that may be Python objects.
func (v *Values) appendMembers(dst []byte, mode pyvalue.Mode) ([]byte, error) {
	start := len(dst)
	dst = append(dst, '{')
	w := pyvalue.Writer{Mode: mode, Limit: v.python.writeLimit}
	for i := range v.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		before := len(dst)
		if name := v.members[i].RawName; name != "" {
			dst = append(dst, name...)
		} else {
			dst, err = w.Key(dst, v.key(i))
		}
		if err == nil {
			dst, err = v.appendMember(append(dst, ':'), i, &w)
		}
		if err != nil {
			return dst[:start], fmt.Errorf("session value %q: %w", v.members[i].Name, tooLarge(err))
		}
		// A small value is shown even beside a value that is far too large.
		const least = 32
		w.Limit = max(w.Limit-(len(dst)-before-len(v.members[i].Raw)), least)
	}
	return append(dst, '}'), nil
}

func (v *Values) appendMember(dst []byte, i int, w *pyvalue.Writer) ([]byte, error) {
	if raw := v.members[i].Raw; raw != "" {
		return append(dst, raw...), nil
	}
	o, err := v.object(i)
	if err != nil {
		return dst, err
	}
	return w.Append(dst, o)
}

// shown returns a value that has no JSON as AppendShown shows it.
func (v *Values) shown(i int) string {
	w := pyvalue.Writer{Mode: pyvalue.Show, Limit: v.python.writeLimit}
	text, err := v.appendMember(nil, i, &w)
	if err != nil {
		return "null"
	}
	return string(text)
}

// Sizes yields each name with about how many bytes its value takes: as the JSON that is stored or,
// if the session was pickled, as AppendShown shows it. It takes time in proportion to Size. A pickle
// can refer to one object many times: values beyond a limit count with 0 bytes, or only in part.
func (v *Values) Sizes() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		var w pyvalue.Writer
		var shown []byte
		if v.python != nil {
			w = pyvalue.Writer{Mode: pyvalue.Show, Limit: v.python.writeLimit}
		}
		for i := range v.members {
			size := len(v.members[i].Raw)
			if size == 0 {
				if text, err := v.appendMember(shown[:0], i, &w); err == nil {
					shown, size = text, len(text)
					w.Limit = max(w.Limit-size, 0)
				}
			}
			if v.named(i) && !yield(v.members[i].Name, size) {
				return
			}
		}
	}
}

// UnmarshalPythonJSON replaces the values by those of a JSON object that Python wrote.
func (v *Values) UnmarshalPythonJSON(text string) error {
	read, err := parseValues(text)
	if err != nil {
		return err
	}
	*v = *read
	return nil
}

// MarshalJSON writes the values as AppendShown does, in JSON that any reader takes: NaN and
// the infinities, which only Python's JSON has, become strings.
func (v Values) MarshalJSON() ([]byte, error) {
	text := v.AppendShown(nil)
	return pyjson.AppendStandard(make([]byte, 0, len(text)), string(text)), nil
}

// UnmarshalJSON replaces the values by those of a JSON object in UTF-8. They are stored as
// Python would store them after reading it.
func (v *Values) UnmarshalJSON(json []byte) error {
	text, err := pyjson.Normalize(string(json), pyjson.Limits{Depth: pyjson.MaxWriteDepth})
	if err != nil {
		return err
	}
	return v.UnmarshalPythonJSON(text)
}
