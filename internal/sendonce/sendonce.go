// Package sendonce sends requests to cache servers so that a change is made only once. If the
// connection breaks before the answer, it is not known whether the server has executed the
// request.
package sendonce

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"github.com/djsess/djsess/djsession"
)

// attempts is how often a request is sent at most.
const attempts = 3

// Request is a request that changes something.
type Request struct {
	// Send sends the request and returns the server's answer or an error.
	Send func() error
	// IsAnswer reports whether the result of Send is the server's answer.
	IsAnswer func(err error) bool
	// IsLost reports whether the request may have been sent but was not answered.
	IsLost func(err error) bool
	// Repeat reports whether to send the request again after a failed attempt. It may wait
	// before it returns. If lost is true, it must return false unless the request is
	// idempotent. If Repeat is nil, the request is sent once.
	Repeat func(attempt int, err error, lost bool) bool
}

// Do sends the request. If the answer to an attempt was lost, lost is true: the server's answer
// may describe the effect of that attempt. If no answer comes at all, the error is a
// djsession.ErrOutcomeUnknown.
func (r Request) Do() (lost bool, err error) {
	var unknown error
	for attempt := 1; ; attempt++ {
		err = r.Send()
		if r.IsAnswer(err) {
			return unknown != nil, err
		}
		isLost := r.IsLost(err)
		if isLost && unknown == nil {
			unknown = fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
		}
		if r.Repeat == nil || attempt == attempts || !r.Repeat(attempt, err, isLost) {
			break
		}
	}
	if unknown != nil {
		return true, unknown // an error of a later attempt does not show the outcome of the first one
	}
	return false, err
}

// IsDialError reports whether an error happened while connecting: no request was sent.
func IsDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// IsBroken reports whether the server has closed the connection, for example because it shut
// down, or because the connection was idle for too long.
func IsBroken(err error) bool {
	return !IsDialError(err) && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}
