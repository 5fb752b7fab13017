package pyjson

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"sync"
	"time"
)

// form is how values of a type are written or read.
type form byte

const (
	byKind form = iota // as the kind of the type says
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

// typeInfo is what there is to know about a type, worked out once.
type typeInfo struct {
	write     form
	writeAddr form // what its pointer can do, for values that have an address
	read      form // on its pointer
	isBytes   bool // a slice that is written in base64
	natural   *Natural
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

var knownTypes = map[reflect.Type]form{
	reflect.TypeFor[time.Time]():   asTime,
	reflect.TypeFor[big.Int]():     asBigInt,
	reflect.TypeFor[json.Number](): asNumber,
	reflect.TypeFor[Object]():      asObject,
}

func newTypeInfo(t reflect.Type) *typeInfo {
	info := &typeInfo{natural: naturalByType[t]}
	if known, ok := knownTypes[t]; ok {
		info.write, info.writeAddr, info.read = known, known, known
		return info
	}
	switch t.Kind() {
	case reflect.Interface:
		return info // what is in it decides
	case reflect.Pointer:
		// A pointer is read and written as what it points to, but its own methods may come first.
		if _, ok := knownTypes[t.Elem()]; !ok {
			info.write = writeForm(t)
		}
		return info
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // asked first, since a slice type can be its own element
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
