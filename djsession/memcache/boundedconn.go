package memcache

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/djsess/djsess/internal/netpeek"
)

// boundedConn is a connection that breaks when the server announces a value over the
// limit: gomemcache would make room for any length that it is told. It also notices, before
// it sends a request, that the server has closed it: such a request is not lost.
type boundedConn struct {
	net.Conn
	limit int

	head  []byte // the first line of the answer, as far as it has come
	seen  bool   // it has come
	asked bool   // a request has been begun, and no answer has come yet
}

// tooLongError is a value that is not read.
type tooLongError struct {
	size  uint64
	limit int
}

func (e *tooLongError) Error() string {
	return fmt.Sprintf("value of %d bytes, and %d are read at most", e.size, e.limit)
}

// Write sends the next request: gomemcache does not send one before the last one's
// answer has been read.
func (c *boundedConn) Write(p []byte) (int, error) {
	begins := !c.asked
	if begins && netpeek.Closed(c.Conn) {
		return 0, &unsentError{io.EOF, false}
	}
	c.asked = true
	c.head, c.seen = c.head[:0], false
	n, err := c.Conn.Write(p)
	if err != nil && begins && n == 0 {
		err = &unsentError{err, false}
	}
	return n, err
}

func (c *boundedConn) Read(p []byte) (int, error) {
	c.asked = false
	n, err := c.Conn.Read(p)
	if !c.seen {
		if tooLong := c.look(p[:n]); tooLong != nil {
			return 0, tooLong
		}
	}
	return n, err
}

// look reads the size out of "VALUE key flags size cas".
func (c *boundedConn) look(p []byte) error {
	const longest = 512 // a key of 250 and three numbers are less
	line, _, whole := bytes.Cut(p, []byte("\n"))
	c.head = append(c.head, line[:min(len(line), longest)]...)
	if !whole && len(c.head) < longest {
		return nil
	}
	c.seen = true
	fields := bytes.Fields(c.head)
	if len(fields) < 4 || string(fields[0]) != "VALUE" {
		return nil
	}
	size, err := strconv.ParseUint(string(fields[3]), 10, 64)
	if err != nil || size <= uint64(c.limit) {
		return nil // what is no number gomemcache refuses
	}
	return &tooLongError{size, c.limit}
}
