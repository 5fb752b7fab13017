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
func appendEntry(dst []byte, r *djsession.Record) []byte {
	dst = append(dst, `{"key":`...)
	if r.Key == "" { // the store has only a hash of it
		dst = append(dst, `null,"name":`...)
	}
	dst = appendText(dst, shownKey(r))
	dst = append(dst, `,"expires":`...)
	if r.Expires.IsZero() { // the store does not tell
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"')
		dst = r.Expires.UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"user_id":`...)
	if id, ok := userID(r.Values); ok {
		dst = appendText(dst, id)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"data":`...)
	dst = pyjson.AppendStandard(dst, string(r.Values.AppendShown(nil)))
	return append(dst, "}\n"...)
}

func appendText(dst []byte, s string) []byte {
	if quoted, err := pyjson.AppendString(dst, s); err == nil {
		return quoted
	}
	quoted, _ := pyjson.AppendString(dst, strings.ToValidUTF8(s, "\uFFFD"))
	return quoted
}

// shownKey is the key of a session, or the name that a store has for it which keeps
// only hashes of its keys.
func shownKey(r *djsession.Record) string {
	if r.Key == "" {
		return r.Name
	}
	return r.Key
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
