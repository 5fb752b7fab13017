package pyjson

import (
	"encoding/base64"
	"math"
	"reflect"
	"strconv"
)

// isNumber tells a number by the byte that begins the value.
func isNumber(c byte) bool { return c-'0' <= 9 || c == '-' || c == 'N' || c == 'I' }

func setNumber(v reflect.Value, text string) error {
	integer, fits := isInteger(text), false
	switch k := v.Kind(); {
	case isFloat(k):
		f := parseFloat(text, 64)
		// An integer that large is a number that Python knows exactly, and not infinite.
		fits = !v.OverflowFloat(f) && !(integer && math.IsInf(f, 0))
		if fits {
			v.SetFloat(parseFloat(text, v.Type().Bits()))
		}
	case !integer:
		return &TypeError{Want: v.Type(), Got: "float"}
	case isInt(k):
		n, err := strconv.ParseInt(text, 10, 64)
		if fits = err == nil && !v.OverflowInt(n); fits {
			v.SetInt(n)
		}
	default:
		if text == "-0" {
			text = "0"
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if fits = err == nil && !v.OverflowUint(n); fits {
			v.SetUint(n)
		}
	}
	if !fits {
		return &TypeError{Want: v.Type(), Got: kindOf(text) + " out of range"}
	}
	return nil
}

func setBytes(v reflect.Value, text string) error {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return &TypeError{Want: v.Type(), Got: "string that is not base64"}
	}
	v.SetBytes(b)
	return nil
}
