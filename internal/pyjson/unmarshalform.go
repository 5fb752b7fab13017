package pyjson

import (
	"encoding"
	"encoding/json"
	"math/big"
	"reflect"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// form takes the next value by the methods of v, or as one of the types that have a form of their own.
func (d *decoder) form(v reflect.Value, f form, c byte) error {
	p := v.Addr().Interface()
	switch f {
	case asPython:
		if natural := infoOf(v.Type()).natural; d.native && natural != nil && natural.Parse != nil {
			x, err := natural.Parse(d.raw(), d.opaque)
			if err == nil {
				v.Set(reflect.ValueOf(x).Elem())
			}
			return err
		}
		raw, err := d.json()
		if err != nil {
			return err
		}
		return p.(pythonUnmarshaler).UnmarshalPythonJSON(raw)
	case asJSON:
		raw, err := d.json()
		if err != nil {
			return err
		}
		for t := range Tokens(raw) {
			if t.Kind == Number && !isStandard(t.Text) {
				return &TypeError{Want: v.Type(), Got: "float that only Python has"}
			}
		}
		return p.(json.Unmarshaler).UnmarshalJSON(AppendStandard(nil, raw))
	}
	if c == 'n' {
		d.i += len("null")
		if f == asObject {
			v.SetZero()
		}
		return nil
	}
	switch {
	case f == asText && c == '"':
		return p.(encoding.TextUnmarshaler).UnmarshalText([]byte(d.str()))
	case f == asTime && c == '"':
		t, _, err := pytime.ParseISO(d.str())
		if err != nil {
			return &TypeError{Want: v.Type(), Got: "string that is not from isoformat()"}
		}
		*p.(*time.Time) = t
		return nil
	case f == asNumber && isNumber(c):
		v.SetString(d.number())
		return nil
	case f == asObject && c == '{':
		*p.(*Object) = d.object()
		return nil
	case f == asBigInt && isNumber(c):
		if text := d.number(); isInteger(text) {
			p.(*big.Int).SetString(text, 10)
			return nil
		}
		return &TypeError{Want: v.Type(), Got: "float"}
	}
	return d.misfit(v)
}
