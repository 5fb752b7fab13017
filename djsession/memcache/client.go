package memcache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/internal/netpeek"
	"github.com/djsess/djsess/internal/sendonce"
)

// client limits the connections of gomemcache's client. If all connections are in use, gomemcache
// opens another one; here the request waits.
type client struct {
	*memcache.Client
	servers *servers
	slots   map[string]chan struct{} // by server: one for each connection
}

func newClient(s *servers, timeout time.Duration, conns int) *client {
	c := &client{Client: memcache.NewFromSelector(s), servers: s, slots: map[string]chan struct{}{}}
	c.Timeout, c.MaxIdleConns = timeout, conns
	for _, server := range s.all {
		c.slots[server.address] = make(chan struct{}, conns)
	}
	return c
}

// busyError: all connections to a server were in use until the timeout.
type busyError struct {
	server string
	conns  int
}

func (e *busyError) Error() string {
	return fmt.Sprintf("%s: all %d connections are busy: %v", e.server, e.conns, os.ErrDeadlineExceeded)
}

func (*busyError) Unwrap() error { return os.ErrDeadlineExceeded }

// slot waits until a connection to the server of a key is free, and reserves it. The caller
// must call release.
func (c *client) slot(key string) (release func(), err error) {
	address := c.servers.pick(key).address
	slots := c.slots[address]
	release = func() { <-slots }
	select {
	case slots <- struct{}{}:
		return release, nil
	default:
	}
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	select {
	case slots <- struct{}{}:
		return release, nil
	case <-timer.C:
		return nil, &busyError{address, cap(slots)}
	}
}

// Get calls gomemcache's Get when a connection is free.
func (c *client) Get(key string) (*memcache.Item, error) {
	release, err := c.slot(key)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.Client.Get(key)
}

// Add calls gomemcache's Add when a connection is free.
func (c *client) Add(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.Add(item) })
}

// CompareAndSwap calls gomemcache's CompareAndSwap when a connection is free.
func (c *client) CompareAndSwap(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.CompareAndSwap(item) })
}

// Delete calls gomemcache's Delete when a connection is free.
func (c *client) Delete(key string) error {
	return c.do(key, func() error { return c.Client.Delete(key) })
}

func (c *client) do(key string, request func() error) error {
	release, err := c.slot(key)
	if err != nil {
		return err
	}
	defer release()
	return request()
}

// boundedConn is a connection that fails when the server announces a value over the limit.
// gomemcache would allocate any announced length. Before boundedConn sends a request, it also
// checks whether the server has closed the connection. The request is then known to be unsent.
type boundedConn struct {
	net.Conn
	limit int

	head     []byte // the part of the answer's first line that has arrived
	headRead bool   // the whole first line has arrived
	waiting  bool   // a part of a request was sent, and no answer has arrived
}

// tooLongError is the error for a value over the limit.
type tooLongError struct {
	size  uint64
	limit int
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("value of %d bytes, and %d are read at most", e.size, e.limit)
}

// Write sends the next request. gomemcache sends it only after it has read the answer to the
// request before.
func (c *boundedConn) Write(p []byte) (int, error) {
	isFirst := !c.waiting
	if isFirst && netpeek.Closed(c.Conn) {
		return 0, &unsentError{error: io.EOF}
	}
	c.waiting = true
	c.head, c.headRead = c.head[:0], false
	n, err := c.Conn.Write(p)
	if err != nil && isFirst && n == 0 {
		err = &unsentError{error: err}
	}
	return n, err
}

func (c *boundedConn) Read(p []byte) (int, error) {
	c.waiting = false
	n, err := c.Conn.Read(p)
	if !c.headRead {
		if tooLong := c.checkSize(p[:n]); tooLong != nil {
			return 0, tooLong
		}
	}
	return n, err
}

// checkSize finds the size in the line "VALUE key flags size cas".
func (c *boundedConn) checkSize(p []byte) error {
	const longest = 512 // a key of 250 bytes and three numbers are shorter
	line, _, whole := bytes.Cut(p, []byte("\n"))
	c.head = append(c.head, line[:min(len(line), longest)]...)
	if !whole && len(c.head) < longest {
		return nil
	}
	c.headRead = true
	fields := bytes.Fields(c.head)
	if len(fields) < 4 || string(fields[0]) != "VALUE" {
		return nil
	}
	size, err := strconv.ParseUint(string(fields[3]), 10, 64)
	if err != nil || size <= uint64(c.limit) {
		return nil // gomemcache refuses a size that is no number
	}
	return &tooLongError{size, c.limit}
}

// unsentError is the error of a request that was not sent.
type unsentError struct {
	error
	dial bool // connecting failed
}

func (e *unsentError) Unwrap() error { return e.error }

// send sends a request on a connection that works. It discards connections that the server has
// closed, for example by a restart.
func (c *Cache) send(request func() error) error {
	const retries = 2 // another goroutine may put a closed connection back into the pool
	err := request()
	for range retries {
		var unsent *unsentError
		if !errors.As(err, &unsent) || unsent.dial {
			break
		}
		c.client.Close()
		err = request()
	}
	if isLost(err) && sendonce.IsBroken(err) {
		c.client.Close()
	}
	return err
}

// sendOnce sends a request. If the answer is lost, lost is true and the error is a
// djsession.ErrOutcomeUnknown.
func (c *Cache) sendOnce(request func() error) (lost bool, err error) {
	return c.request(request).Do()
}

// sendWithRetries sends an idempotent request. If the connection breaks before the answer, it
// sends the request again. Then lost is true, and the server's answer may describe the effect of
// the first attempt. After a timeout it does not retry, since that would take as long again.
func (c *Cache) sendWithRetries(request func() error) (lost bool, err error) {
	r := c.request(request)
	r.Repeat = func(_ int, err error, lost bool) bool { return lost && sendonce.IsBroken(err) }
	return r.Do()
}

func (c *Cache) request(request func() error) sendonce.Request {
	return sendonce.Request{Send: func() error { return c.send(request) }, IsAnswer: isAnswer, IsLost: isLost}
}

// isAnswer reports whether the server has answered a request with the state of the item.
func isAnswer(err error) bool {
	return err == nil || errors.Is(err, memcache.ErrCacheMiss) || errors.Is(err, memcache.ErrNotStored) ||
		errors.Is(err, memcache.ErrCASConflict)
}

// isLost reports whether a request may have been sent but was not answered.
func isLost(err error) bool {
	switch {
	case isAnswer(err), errors.As(err, new(*unsentError)), sendonce.IsDialError(err):
		return false
	}
	return !strings.HasPrefix(err.Error(), "memcache: ") // another answer, or a request that was not sent
}
