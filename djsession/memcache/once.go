package memcache

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
)

// unsentError is the error of a request that was not sent.
type unsentError struct {
	error
	dial bool // there was no connection
}

func (e *unsentError) Unwrap() error { return e.error }

// send sends a request on a connection that works. Connections that the server has closed,
// as it does when it restarts, are thrown away.
func (c *Cache) send(request func() error) error {
	const more = 2 // meanwhile another goroutine may put a closed connection back
	err := request()
	for range more {
		var unsent *unsentError
		if !errors.As(err, &unsent) || unsent.dial {
			break
		}
		c.client.Close()
		err = request()
	}
	return err
}

// sendings is how often a request is sent at most if its connection breaks.
const sendings = 3

// sendAgain sends a request that changes nothing if it is done twice. If its connection
// breaks, it is sent again; then again is true, and the server's answer may be about what
// the first request has done. Without an answer the error is a djsession.ErrOutcomeUnknown.
func (c *Cache) sendAgain(request func() error) (again bool, err error) {
	var unknown error
	for range sendings {
		err = c.send(request)
		if !lost(err) {
			break
		}
		if unknown == nil {
			unknown = outcomeUnknown(err)
		}
		if !broken(err) {
			break // the server did not answer in time, and sending again would take as long
		}
		c.client.Close()
	}
	if unknown != nil && !isAnswer(err) {
		return true, unknown
	}
	return unknown != nil, err
}

func outcomeUnknown(err error) error { return fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err) }

// isAnswer reports whether a request was answered with what the server knows of the item.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) ||
		errors.Is(err, memcache.ErrCASConflict)
}

// lost reports whether a request may have been sent and was not answered.
func lost(err error) bool {
	var op *net.OpError
	switch {
	case isAnswer(err), errors.As(err, new(*unsentError)):
		return false
	case strings.HasPrefix(err.Error(), "memcache: "): // another answer, or a request that was not sent
		return false
	}
	return !(errors.As(err, &op) && op.Op == "dial")
}
