package pyjson

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// A field is one field of a struct, or of a struct embedded in it, that has a name in JSON.
type field struct {
	name      string
	quoted    []byte // the name as it is written, with the colon
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
	asString  bool
}

// fieldsOf lists the fields of a struct in their order, by the rules of encoding/json: of several fields with one name the
// least embedded counts, then the one whose tag names it; if that leaves more than one, none does.
func fieldsOf(t reflect.Type) []field {
	byName := map[string][]field{}
	type level struct {
		t     reflect.Type
		index []int
	}
	expanded := map[reflect.Type]bool{}
	for current := []level{{t: t}}; len(current) > 0; {
		var next []level
		times := map[reflect.Type]int{}
		for _, l := range current {
			// The same struct embedded twice at one depth hides its own fields; a third time adds nothing.
			if times[l.t]++; expanded[l.t] || times[l.t] > 2 {
				continue
			}
			for i := range l.t.NumField() {
				sf := l.t.Field(i)
				index := append(slices.Clone(l.index), i)
				f, named, embedded := fieldOf(sf)
				if embedded != nil {
					next = append(next, level{embedded, index})
				} else if named {
					f.index = index
					byName[f.name] = append(byName[f.name], f)
				}
			}
		}
		for s := range times {
			expanded[s] = true
		}
		current = next
	}
	var fields []field
	for _, same := range byName {
		if f, ok := dominant(same); ok {
			fields = append(fields, f)
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return fields
}

// fieldOf reads one field's tag. It is either named, or embedded: a struct whose fields count as the outer one's.
func fieldOf(sf reflect.StructField) (f field, named bool, embedded reflect.Type) {
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return f, false, nil
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		t = t.Elem()
	}
	if !sf.IsExported() && !(sf.Anonymous && t.Kind() == reflect.Struct) {
		return f, false, nil
	}
	name, options, _ := strings.Cut(tag, ",")
	f = field{name: name, tagged: usableName(name)}
	if !f.tagged {
		if sf.Anonymous && t.Kind() == reflect.Struct {
			return f, false, t
		}
		f.name = sf.Name
	}
	if !sf.IsExported() {
		return f, false, nil
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
		case "string":
			f.asString = isScalar(t)
		}
	}
	f.quoted, _ = AppendString(nil, f.name) // a name that is not UTF-8 is no Go identifier and no usable tag
	f.quoted = append(f.quoted, ':')
	return f, true, nil
}

func dominant(same []field) (field, bool) {
	best, rivals := same[0], 0
	for _, f := range same[1:] {
		switch {
		case len(f.index) > len(best.index), len(f.index) == len(best.index) && best.tagged && !f.tagged:
		case len(f.index) == len(best.index) && best.tagged == f.tagged:
			rivals++
		default:
			best, rivals = f, 0
		}
	}
	return best, rivals == 0
}

// usableName tells whether encoding/json would take the name from a tag; what it would not, it ignores.
func usableName(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return name != ""
}

// isScalar tells whether the tag option "string" means something for a type.
func isScalar(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.Bool || k == reflect.String || isInt(k) || isUint(k) || isFloat(k)
}

func isInt(k reflect.Kind) bool   { return reflect.Int <= k && k <= reflect.Int64 }
func isUint(k reflect.Kind) bool  { return reflect.Uint <= k && k <= reflect.Uintptr }
func isFloat(k reflect.Kind) bool { return k == reflect.Float32 || k == reflect.Float64 }
