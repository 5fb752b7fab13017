package pyvalue

import (
	"strings"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
)

// Key appends a key of a dict. In JSON it is a string, as json.dumps makes of the key.
func (w *Writer) Key(dst []byte, key *pickle.Object) ([]byte, error) {
	w.begin(dst)
	return w.key(dst, key)
}

// key writes the objects inside a key only if the key is plain. A key inside a key would be quoted once more, which doubles the
// text with each level.
func (w *Writer) key(dst []byte, key *pickle.Object) ([]byte, error) {
	if text, ok := Str(key); ok {
		return w.str(dst, text)
	}
	if !w.look(dst, len(key.Items)) {
		return w.tooMuch(dst)
	}
	plain, description := isPlainKey(key), Describe(key)
	if name, ok := Name(key); ok && !w.isJSON() {
		plain, description = false, name
	}
	switch {
	case w.isJSON() && isCollection(key):
		return dst, noJSON("a key that is " + description)
	case w.Mode == Marked && plain:
		return w.value(pyjson.AppendMark(dst, pyjson.Key), key)
	case w.Mode == Marked:
		return w.opaque(pyjson.AppendMark(dst, pyjson.Key), key, description)
	case !plain:
		return w.opaque(dst, key, description)
	}
	out, err := w.value(dst, key)
	if err != nil {
		return dst, err
	}
	if text := out[len(dst):]; text[0] != '"' {
		return w.str(dst, string(text))
	}
	return out, nil
}

// isJSON reports whether the text is for json.loads.
func (w *Writer) isJSON() bool { return w.Mode == JSON || w.Mode == Portable }

// Name returns the name that finds a key: its characters if it is a str. An object that a class made of one str also has a
// name: a member of a str Enum, such as TextChoices, or an instance of a site's own subclass of str. In Python such a key is
// equal to its text.
func Name(key *pickle.Object) (string, bool) {
	if text, ok := Str(key); ok {
		return text, true
	}
	class, args, steps := call(key)
	if len(args) != 1 || !isUnknownClass(class) {
		return "", false
	}
	if len(steps) > 1 || len(steps) == 1 && steps[0].Kind != pickle.Build { // its __dict__ does not matter
		return "", false
	}
	return Str(args[0])
}

// isUnknownClass reports whether this package knows nothing about a class. name is its global name. A builtin has no dot in its
// name.
func isUnknownClass(name string) bool {
	module, _, dotted := strings.Cut(name, ".")
	switch module {
	case "datetime", "decimal", "_decimal", "_pydecimal", "uuid", "zoneinfo", "backports", "pytz", "pathlib", "collections", "copyreg", "_codecs":
		return false
	}
	return dotted || name == "str"
}

// isPlainKey reports whether a key is a single value or a tuple of single values. It is false for a tuple of tuples, and for
// an object that Python could not hash.
func isPlainKey(key *pickle.Object) bool {
	if !isCollection(key) {
		return isPlain(key)
	}
	for _, item := range key.Items {
		if !isPlain(item) {
			return false
		}
	}
	return true
}

// isCollection reports whether an object is a collection that Python can hash.
func isCollection(o *pickle.Object) bool {
	return o.Call == nil && (o.Kind == pickle.Tuple || o.Kind == pickle.FrozenSet)
}

func isPlain(o *pickle.Object) bool {
	if o.Call == nil {
		switch o.Kind {
		case pickle.List, pickle.Tuple, pickle.Dict, pickle.Set, pickle.FrozenSet, pickle.ByteArray:
			return false
		}
		return true
	}
	return !holdsItems(o)
}
