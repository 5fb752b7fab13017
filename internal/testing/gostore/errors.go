package main

import (
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// replyError is an error in a reply. Python turns its kind into an exception of Django's.
type replyError struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// kinds are the errors that have a counterpart in Django. The first match counts.
var kinds = []struct {
	err  error
	name string
}{
	{djsession.ErrSessionDeleted, "SessionDeleted"},
	{djsession.ErrKeyTaken, "KeyTaken"},
	{djsession.ErrInvalidKey, "InvalidKey"},
	{djsession.ErrNoValue, "NoValue"},
	{signing.ErrSignatureExpired, "SignatureExpired"},
	{signing.ErrBadSignature, "BadSignature"},
}

func newReplyError(err error) *replyError {
	e := &replyError{Kind: "Other", Text: err.Error()}
	if errors.As(err, new(*djsession.PayloadError)) {
		e.Kind = "Payload"
		return e
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			e.Kind = k.name
			break
		}
	}
	return e
}
