package pyvalue

import (
	"math/big"
	"reflect"

	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pickle"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/pytime"
)

// scalar returns the text of an object that Go reads as one value, such as a UUID, and its mark. For other objects the
// mark is 0.
func (z *zones) scalar(o *pickle.Object) (pyjson.Mark, string) {
	name, args, steps := call(o)
	if name == "uuid.UUID" || name == "copyreg._reconstructor" {
		if text, ok := uuidText(name, args, steps); ok {
			return pyjson.UUID, text
		}
	}
	if len(steps) > 0 {
		return 0, ""
	}
	switch name {
	case "datetime.datetime":
		return z.datetimeText(args)
	case "datetime.date":
		return dateText(args)
	case "datetime.time":
		return z.timeText(args)
	case "datetime.timedelta":
		if delta, ok := timedelta(o); ok {
			return pyjson.Timedelta, string(delta.Append(nil))
		}
	case "decimal.Decimal", "_decimal.Decimal", "_pydecimal.Decimal":
		if len(args) == 1 {
			if text, ok := Str(args[0]); ok && pytype.Decimal(text).IsValid() {
				return pyjson.Decimal, text
			}
		}
	}
	return 0, ""
}

// timedelta reads datetime.timedelta(days, seconds, microseconds).
func timedelta(o *pickle.Object) (pytime.Timedelta, bool) {
	name, args, steps := call(o)
	if name != "datetime.timedelta" || len(steps) > 0 || len(args) > 3 {
		return pytime.Timedelta{}, false
	}
	var parts [3]int
	for i, arg := range args {
		// MaxDays is larger than the limits of the other parts. An int of Go may have only 32 bits.
		if arg.Kind != pickle.Int || arg.Text != "" || arg.Int > pytime.MaxDays || arg.Int < -pytime.MaxDays {
			return pytime.Timedelta{}, false
		}
		parts[i] = int(arg.Int)
	}
	delta := pytime.Timedelta{Days: parts[0], Seconds: parts[1], Microseconds: parts[2]}
	return delta, delta.Valid()
}

// uuidText reads a UUID. Its state is a dict with an integer. Before Python 3.8 the dict held more, and protocols 0 and 1 make
// the object by copyreg._reconstructor. uuidText also reads uuid.UUID("…").
func uuidText(name string, args []*pickle.Object, steps []pickle.Step) (string, bool) {
	if name == "copyreg._reconstructor" {
		if len(args) != 3 || globalName(args[0]) != "uuid.UUID" {
			return "", false
		}
		args = nil
	}
	if len(args) == 1 && len(steps) == 0 {
		text, ok := Str(args[0])
		id, err := pytype.ParseUUID(text)
		return id.String(), ok && err == nil
	}
	if len(args) > 0 || len(steps) != 1 || steps[0].Kind != pickle.Build || len(steps[0].Items) != 1 {
		return "", false
	}
	state := steps[0].Items[0]
	if state.Kind != pickle.Dict || state.Call != nil || len(state.Items) > mostInState {
		return "", false
	}
	n := new(big.Int)
	found := false
	for i := 0; i+1 < len(state.Items); i += 2 {
		if key, _ := Str(state.Items[i]); key == "int" {
			n, found = integer(state.Items[i+1])
		}
	}
	if !found || n.Sign() < 0 || n.BitLen() > 128 {
		return "", false
	}
	return pytype.UUID(n.FillBytes(make([]byte, 16))).String(), true
}

// integer returns the value of an Int of at most 100 digits.
func integer(o *pickle.Object) (*big.Int, bool) {
	if o.Kind != pickle.Int || o.Call != nil || len(o.Text) > 100 {
		return nil, false
	}
	return o.BigInt(), true
}

// IsFalse reports whether a decoded value is false in Python. The value is not a number. A djsession.Values has the method Len.
func IsFalse(value any) bool {
	if nested, ok := value.(interface{ Len() int }); ok {
		return nested.Len() == 0
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}
