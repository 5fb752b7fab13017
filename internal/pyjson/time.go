package pyjson

import (
	"reflect"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// appendTime appends a time as a string in the form of datetime.isoformat().
func appendTime(dst []byte, t time.Time) ([]byte, error) {
	out, err := pytime.AppendISO(append(dst, '"'), t)
	if err != nil {
		return dst, &UnsupportedError{Type: reflect.TypeOf(t), Reason: err.Error()}
	}
	return append(out, '"'), nil
}
