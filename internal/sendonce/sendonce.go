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
	var o outcome
	for attempt := 1; ; attempt++ {
		err := r.Send()
		isLost := o.add(err, r.IsAnswer, r.IsLost)
		if o.answered || r.Repeat == nil || attempt == attempts || !r.Repeat(attempt, err, isLost) {
			return o.result()
		}
	}
}

// outcome is what is known of a request after some attempts.
type outcome struct {
	answered bool
	err      error // of the last attempt
	unknown  error // of the first attempt whose answer was lost
}

// add adds the result of an attempt, and reports whether its answer was lost.
func (o *outcome) add(err error, isAnswer, isLost func(error) bool) (lost bool) {
	if o.err = err; isAnswer(err) {
		o.answered = true
		return false
	}
	lost = isLost(err)
	if lost && o.unknown == nil {
		o.unknown = fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
	}
	return lost
}

// result is the result of Do.
func (o *outcome) result() (lost bool, err error) {
	if o.unknown != nil && !o.answered {
		return true, o.unknown // an error of a later attempt does not show the outcome of the first one
	}
	return o.unknown != nil, o.err
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

// Batch is requests that are sent together, each of which changes something. Each has an outcome
// of its own: the connection may break after some of the answers.
type Batch[R any] struct {
	// Send sends requests, and returns the answer or the error of each.
	Send func(requests []R) []error
	// IsAnswer and IsLost are those of Request.
	IsAnswer, IsLost func(err error) bool
	// Repeat reports whether to send a request again after a failed attempt, as
	// Request.Repeat does. It does not wait.
	Repeat func(request R, err error, lost bool) bool
	// Wait waits after a failed attempt, before requests are sent again. It returns false if
	// they are not to be sent.
	Wait func(attempt int) bool
}

// Do sends requests. Then it calls report with the result of each, which is the result that
// Request.Do would return.
func (b Batch[R]) Do(requests []R, report func(request R, lost bool, err error)) {
	outcomes := make([]outcome, len(requests))
	numbers := make([]int, len(requests)) // of the requests to send
	for i := range numbers {
		numbers[i] = i
	}
	sent := requests
	for attempt := 1; len(sent) > 0; attempt++ {
		var again []R
		var againNumbers []int
		for i, err := range b.Send(sent) {
			o := &outcomes[numbers[i]]
			if lost := o.add(err, b.IsAnswer, b.IsLost); !o.answered && b.Repeat(sent[i], err, lost) {
				again, againNumbers = append(again, sent[i]), append(againNumbers, numbers[i])
			}
		}
		if sent, numbers = again, againNumbers; attempt == attempts || len(sent) > 0 && !b.Wait(attempt) {
			break
		}
	}
	for i, request := range requests {
		lost, err := outcomes[i].result()
		report(request, lost, err)
	}
}
