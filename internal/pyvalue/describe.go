package pyvalue

import (
	"strings"
	"unicode/utf8"

	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
)

// Describe names the type of an object and shows no content: "a list", "myapp.models.Cart(…)".
func Describe(o *pickle.Object) string {
	name := nameOfKind[o.Kind]
	if o.Kind == pickle.Int && !o.HasDecimal() {
		name += " of more than 4300 digits"
	}
	switch o.Kind {
	case pickle.Global:
		name = printable(globalName(o))
	case pickle.Reduce, pickle.NewObj, pickle.NewObjEx, pickle.Instance:
		name = printable(className(o)) + "(…)"
	}
	return name
}

var nameOfMark = map[pyjson.Mark]string{
	pyjson.Datetime: "datetime.datetime(…)", pyjson.Naive: "datetime.datetime(…)", pyjson.Date: "datetime.date(…)",
	pyjson.TimeOfDay: "datetime.time(…)", pyjson.Timedelta: "datetime.timedelta(…)", pyjson.Decimal: "decimal.Decimal(…)",
	pyjson.UUID: "uuid.UUID(…)", pyjson.Bytes: "bytes", pyjson.ByteArray: "bytearray", pyjson.Tuple: "a tuple",
	pyjson.Set: "a set", pyjson.FrozenSet: "a frozenset", pyjson.Deque: "collections.deque(…)", pyjson.Ordered: "collections.OrderedDict(…)",
}

var nameOfKind = map[pickle.Kind]string{
	pickle.None: "None", pickle.Bool: "a bool", pickle.Int: "an integer", pickle.Float: "a float", pickle.Str: "text",
	pickle.Bytes: "bytes", pickle.ByteArray: "a bytearray", pickle.List: "a list", pickle.Tuple: "a tuple", pickle.Dict: "a dict",
	pickle.Set: "a set", pickle.FrozenSet: "a frozenset", pickle.PersistentID: "a persistent object", pickle.Extension: "an object by an extension code",
}

// className returns the name of an object's class, if the call that makes the object shows it.
func className(o *pickle.Object) string {
	callable, args := o.Call.Callable, o.Call.Args.Items
	name := globalName(callable)
	switch {
	case name == "copyreg._reconstructor" && len(args) == 3 && args[0].Kind == pickle.Global:
		return globalName(args[0])
	case name == "django.db.models.base.model_unpickle" && len(args) > 0:
		// The argument is the model's class, or a tuple of the app's and the model's names.
		if model := args[0]; model.Kind == pickle.Global {
			return globalName(model)
		} else if model.Kind == pickle.Tuple && len(model.Items) == 2 {
			app, _ := Str(model.Items[0])
			class, _ := Str(model.Items[1])
			return begin(app) + "." + begin(class)
		}
	case name == "":
		return "an object"
	}
	return name
}

// globalName returns the dotted name of a Global, or "" for any other object.
func globalName(o *pickle.Object) string {
	if o.Kind != pickle.Global {
		return ""
	}
	name := strings.Replace(begin(o.Text), "\n", ".", 1)
	return strings.TrimPrefix(name, "builtins.")
}

// longest bounds the part of a name that is shown. The classes that Go has types for have shorter
// names.
const longest = 200

// begin truncates a name, since many objects may share one long name.
func begin(name string) string { return name[:min(len(name), 2*longest)] }

// printable escapes a name, so that it is safe for logs and terminals.
func printable(name string) string {
	cut := false
	var b strings.Builder
	for _, r := range name {
		if cut = b.Len() >= longest; cut {
			break
		}
		if r < ' ' || r == utf8.RuneError || r > '~' && r < 0xa0 {
			r = '?'
		}
		b.WriteRune(r)
	}
	if cut {
		b.WriteRune('…')
	}
	return b.String()
}
