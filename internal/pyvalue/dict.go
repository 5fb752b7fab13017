package pyvalue

import "github.com/djsess/djsess/internal/pickle"

// DictItems returns the keys and values in turn of a dict, or of an OrderedDict.
func DictItems(o *pickle.Object) ([]*pickle.Object, bool) {
	items, kind := dictItems(o)
	return items, kind != noDict
}

// WithItems returns another dict of the same class with other keys and values.
func WithItems(dict *pickle.Object, items []*pickle.Object) *pickle.Object {
	plain := pickle.NewDict(items...)
	if _, kind := dictItems(dict); kind == noDict || kind == plainDict {
		return plain
	}
	made := *dict.Made
	switch name, _, _ := call(dict); name {
	case "collections.Counter":
		made.Args, made.Steps = pickle.NewTuple(plain), nil
	case "collections.OrderedDict":
		made.Args, made.Steps = pickle.NewTuple(), setItems(items)
	default: // a defaultdict keeps what makes its defaults
		made.Steps = setItems(items)
	}
	return &pickle.Object{Kind: dict.Kind, Made: &made}
}

func setItems(items []*pickle.Object) []pickle.Step {
	if len(items) == 0 {
		return nil
	}
	return []pickle.Step{{Kind: pickle.SetItems, Items: items}}
}
