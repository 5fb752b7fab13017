package pyjson

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// typeInfo describes how values of a type are written and read. It is computed once for each type.
type typeInfo struct {
	write     form
	writeAddr form // the form that the methods of its pointer give, for values that have an address
	read      form // the form that the methods of its pointer give
	isBytes   bool // a slice that is written in base64
	mark      Mark // of the Python type that it stands for, if JSON does not have that
	fields    []field
	byName    map[string]int
}

var typeInfos sync.Map // of reflect.Type to *typeInfo

func infoOf(t reflect.Type) *typeInfo {
	if info, ok := typeInfos.Load(t); ok {
		return info.(*typeInfo)
	}
	info, _ := typeInfos.LoadOrStore(t, newTypeInfo(t))
	return info.(*typeInfo)
}

func newTypeInfo(t reflect.Type) *typeInfo {
	info := &typeInfo{mark: markOfType[t]}
	if known, ok := knownTypes[t]; ok {
		info.write, info.writeAddr, info.read = known, known, known
		return info
	}
	switch t.Kind() {
	case reflect.Interface:
		return info // the value in the interface decides
	case reflect.Pointer:
		// A pointer is read and written as the value that it points to, unless it has methods of its own.
		if _, ok := knownTypes[t.Elem()]; !ok {
			info.write = writeForm(t)
		}
		return info
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // checked first, since a slice type can be its own element type
			elem := infoOf(t.Elem())
			info.isBytes = elem.write == byKind && elem.writeAddr == byKind
		}
	case reflect.Struct:
		info.fields = fieldsOf(t)
		info.byName = make(map[string]int, len(info.fields))
		for i, f := range info.fields {
			info.byName[f.name] = i
		}
	}
	info.write = writeForm(t)
	info.writeAddr = writeForm(reflect.PointerTo(t))
	info.read = readForm(reflect.PointerTo(t))
	return info
}

var knownTypes = map[reflect.Type]form{
	reflect.TypeFor[time.Time]():   asTime,
	reflect.TypeFor[big.Int]():     asBigInt,
	reflect.TypeFor[json.Number](): asNumber,
	reflect.TypeFor[Object]():      asObject,
}

// form is how values of a type are written or read.
type form byte

const (
	byKind form = iota // by the kind of the type
	asTime
	asBigInt
	asNumber
	asObject
	asPython // by its AppendPythonJSON or UnmarshalPythonJSON
	asJSON   // by its MarshalJSON or UnmarshalJSON
	asText   // by its MarshalText or UnmarshalText
)

// pythonAppender is implemented by values that know their own form in Python's JSON.
type pythonAppender interface {
	AppendPythonJSON(dst []byte) ([]byte, error)
}

// pythonUnmarshaler is implemented by values that read their own form in Python's JSON. The text is valid, and it
// is latin-1 as everywhere in this package.
type pythonUnmarshaler interface {
	UnmarshalPythonJSON(text string) error
}

func writeForm(t reflect.Type) form {
	switch {
	case t.Implements(reflect.TypeFor[pythonAppender]()):
		return asPython
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return asJSON
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return asText
	}
	return byKind
}

func readForm(t reflect.Type) form {
	switch {
	case t.Implements(reflect.TypeFor[pythonUnmarshaler]()):
		return asPython
	case t.Implements(reflect.TypeFor[json.Unmarshaler]()):
		return asJSON
	case t.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return asText
	}
	return byKind
}

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

// fieldsOf lists the fields of a struct in their order, by the rules of encoding/json. If several fields have one name, the
// least embedded field counts, and among these the field whose tag gives the name. If more than one is left, none counts.
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
			// A struct that is embedded twice at one depth hides its own fields. A third time changes nothing.
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

// fieldOf reads the tag of a field. The field either has a name, or is an embedded struct whose fields count as fields of the
// outer struct.
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
	f.quoted, _ = AppendString(nil, f.name) // without an error: a Go identifier or a usable tag is UTF-8
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

// usableName reports whether encoding/json would accept the name in a tag. It ignores other names.
func usableName(name string) bool {
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) {
			return false
		}
	}
	return name != ""
}

// isScalar reports whether the tag option "string" has an effect on a type.
func isScalar(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.Bool || k == reflect.String || isInt(k) || isUint(k) || isFloat(k)
}

func isInt(k reflect.Kind) bool   { return reflect.Int <= k && k <= reflect.Int64 }
func isUint(k reflect.Kind) bool  { return reflect.Uint <= k && k <= reflect.Uintptr }
func isFloat(k reflect.Kind) bool { return k == reflect.Float32 || k == reflect.Float64 }
