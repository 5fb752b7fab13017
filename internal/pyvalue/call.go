package pyvalue

import (
	"slices"
	"strings"

	"github.com/djsess/djsess/internal/pickle"
)

// call returns the name of the class or function that made an object, its arguments, and the steps that were applied to
// the object afterwards.
func call(o *pickle.Object) (name string, args []*pickle.Object, steps []pickle.Step) {
	m := o.Call
	if m == nil || m.Callable == nil || m.Args == nil || m.Args.Call != nil || m.Args.Kind != pickle.Tuple {
		return "", nil, nil
	}
	switch o.Kind {
	case pickle.Reduce, pickle.NewObj:
		return globalName(m.Callable), m.Args.Items, m.Steps
	}
	return "", nil, nil
}

// mostInState bounds the items in the state of an object that Go has a type for, such as a UUID. A real one has fewer.
const mostInState = 32

// Str returns the characters of a str, or of an instance of a subclass of str: Django's SafeString.
func Str(o *pickle.Object) (string, bool) {
	if o.Kind == pickle.Str {
		return o.Text, o.Call == nil
	}
	name, args, _ := call(o)
	switch {
	case len(args) == 1 && isSafeString(name) && args[0].Kind == pickle.Str:
		return args[0].Text, args[0].Call == nil // not an instance of a subclass again: those could be nested without end
	case len(args) == 3 && name == "copyreg._reconstructor" && globalName(args[1]) == "str" && args[2].Kind == pickle.Str:
		return args[2].Text, true
	}
	return "", false
}

func isSafeString(name string) bool {
	name, ok := strings.CutPrefix(name, "django.utils.safestring.")
	return ok && (name == "SafeString" || name == "SafeText" || name == "SafeUnicode")
}

// DictItems returns the keys and values of a dict or an OrderedDict, in turn.
func DictItems(o *pickle.Object) ([]*pickle.Object, bool) {
	items, kind := dictItems(o)
	return items, kind != noDict
}

// WithItems returns a copy of a dict, of the same class, with other keys and values.
func WithItems(dict *pickle.Object, items []*pickle.Object) *pickle.Object {
	plain := pickle.NewDict(items...)
	if _, kind := dictItems(dict); kind == noDict || kind == plainDict {
		return plain
	}
	copied := *dict.Call
	switch name, _, _ := call(dict); name {
	case "collections.Counter":
		copied.Args, copied.Steps = pickle.NewTuple(plain), nil
	case "collections.OrderedDict":
		copied.Args, copied.Steps = pickle.NewTuple(), setItems(items)
	default: // a defaultdict keeps its factory of defaults
		copied.Steps = setItems(items)
	}
	return &pickle.Object{Kind: dict.Kind, Call: &copied}
}

func setItems(items []*pickle.Object) []pickle.Step {
	if len(items) == 0 {
		return nil
	}
	return []pickle.Step{{Kind: pickle.SetItems, Items: items}}
}

// dictKind says whether an object is a dict, and of which class.
type dictKind uint8

const (
	noDict dictKind = iota
	plainDict
	otherDict // a defaultdict or a Counter
	orderedDict
)

// dictItems returns the keys and values of an object that is a dict of any class, in turn.
func dictItems(o *pickle.Object) ([]*pickle.Object, dictKind) {
	if o.Kind == pickle.Dict && o.Call == nil {
		return o.Items, plainDict
	}
	name, args, steps := call(o)
	var first []*pickle.Object
	kind := otherDict
	switch {
	case name == "collections.OrderedDict" && len(args) == 0:
		kind = orderedDict
	case name == "collections.OrderedDict" && len(args) == 1 && args[0].Kind == pickle.List: // as Python 2 writes it
		kind = orderedDict
		var ok bool
		if first, ok = inTurn(args[0].Items); !ok {
			return nil, noDict
		}
	case name == "collections.defaultdict" && len(args) <= 1:
	case name == "collections.Counter" && len(args) == 1 && args[0].Kind == pickle.Dict && args[0].Call == nil:
		first = args[0].Items
	default:
		return nil, noDict
	}
	items, ok := itemsOf(first, steps, pickle.SetItems)
	if !ok {
		return nil, noDict
	}
	return items, kind
}

// inTurn returns the keys and values of a list of pairs: key, value, key, value.
func inTurn(pairs []*pickle.Object) ([]*pickle.Object, bool) {
	for _, pair := range pairs {
		if pair.Kind != pickle.List && pair.Kind != pickle.Tuple || pair.Call != nil || len(pair.Items) != 2 {
			return nil, false
		}
	}
	items := make([]*pickle.Object, 0, 2*len(pairs))
	for _, pair := range pairs {
		items = append(items, pair.Items...)
	}
	return items, true
}

// holdsItems reports whether an object comes from a call of the class of a dict or a deque. The call itself may be one that
// fails in Python.
func holdsItems(o *pickle.Object) bool {
	switch name, _, _ := call(o); name {
	case "collections.OrderedDict", "collections.defaultdict", "collections.Counter", "collections.deque":
		return true
	}
	return false
}

// dequeItems returns the elements of a collections.deque.
func dequeItems(o *pickle.Object) ([]*pickle.Object, bool) {
	name, args, steps := call(o)
	if name != "collections.deque" || len(args) > 2 {
		return nil, false
	}
	var first []*pickle.Object
	if len(args) > 0 {
		if k := args[0].Kind; k != pickle.Tuple && k != pickle.List || args[0].Call != nil {
			return nil, false
		}
		first = args[0].Items
	}
	return itemsOf(first, steps, pickle.AppendItems)
}

// itemsOf appends the items that the steps add. All steps must be of one kind.
func itemsOf(items []*pickle.Object, steps []pickle.Step, kind pickle.StepKind) ([]*pickle.Object, bool) {
	if slices.ContainsFunc(steps, func(step pickle.Step) bool { return step.Kind != kind }) {
		return nil, false
	}
	for i, step := range steps {
		if i == 0 && len(items) == 0 {
			items = step.Items
			continue
		}
		items = append(items[:len(items):len(items)], step.Items...)
	}
	return items, true
}
