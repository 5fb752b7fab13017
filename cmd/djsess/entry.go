package main

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pyjson"
)

// appendEntry appends a session as one line of JSON that any reader takes.
func appendEntry(dst []byte, r *djsession.Record) ([]byte, error) {
	dst = append(dst, `{"key":`...)
	dst = appendText(dst, r.Key)
	dst = append(dst, `,"expires":"`...)
	dst = r.Expires.UTC().AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","user_id":`...)
	if id, ok := userID(r.Values); ok {
		dst = appendText(dst, id)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"data":`...)
	text, err := r.Values.AppendPythonJSON(nil)
	if err != nil {
		return nil, err
	}
	dst = pyjson.AppendStandard(dst, string(text))
	return append(dst, "}\n"...), nil
}

func appendText(dst []byte, s string) []byte {
	if quoted, err := pyjson.AppendString(dst, s); err == nil {
		return quoted
	}
	quoted, _ := pyjson.AppendString(dst, strings.ToValidUTF8(s, "\uFFFD"))
	return quoted
}

// userID is the primary key of who is logged in. Django takes an integer for its
// digits; what is neither that nor a text is no user.
func userID(v *djsession.Values) (id string, ok bool) {
	if !v.Has("_auth_user_id") {
		return "", false
	}
	var value any
	if err := v.Get("_auth_user_id", &value); err != nil {
		return "", false
	}
	switch value := value.(type) {
	case string:
		return value, true
	case int64, *big.Int:
		return fmt.Sprint(value), true
	}
	return "", false
}

// userShown is the user for people.
func userShown(v *djsession.Values, none string) string {
	id, ok := userID(v)
	if !ok {
		return none
	}
	return oneLine(id)
}

// oneLine is a text of a session or a store, as one line may show it.
func oneLine(text string) string {
	return strings.ReplaceAll(printable(text), "\n", `\n`)
}
