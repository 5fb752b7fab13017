package storeurl

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// cancelTime is how long a server may take to answer a request to cancel a statement.
const cancelTime = 2 * time.Second

// pqDialer dials for one connection of lib/pq, and keeps it from waiting for ever. When a
// statement's context ends, lib/pq dials a second connection, asks the server there to
// cancel the statement, and goes on waiting for the statement's answer. A server that is
// silent never sends one. So when lib/pq dials after the handshake, which it does only to
// cancel, pqDialer sets a deadline on the first connection.
type pqDialer struct {
	*line
	conn atomic.Pointer[pqConn]
}

// DialContext makes pqDialer a pq.DialerContext.
func (d *pqDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.stands.Load() {
		deadline := time.Now().Add(cancelTime)
		d.conn.Load().endAt(deadline)
		request, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, network, address)
		if err == nil {
			err = request.SetDeadline(deadline)
		}
		return request, err
	}
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		conn.Close() // cut may have been called before dial stored it
	}
	limited := &pqConn{Conn: conn}
	d.conn.Store(limited)
	return limited, nil
}

// cut closes the connection, so that lib/pq stops waiting while it connects.
func (l *line) cut() {
	if conn := l.dialed.Load(); conn != nil {
		(*conn).Close()
	}
}

// Dial makes pqDialer a pq.Dialer. lib/pq calls DialContext instead.
func (d *pqDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout makes pqDialer a pq.Dialer. lib/pq calls DialContext instead.
func (d *pqDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// pqConn is a connection whose current statement can be given a deadline.
type pqConn struct {
	net.Conn
	ending atomic.Bool
}

func (c *pqConn) endAt(deadline time.Time) {
	c.ending.Store(true)
	c.SetDeadline(deadline)
}

// Write sends a statement. If the last one had a deadline, that is over.
func (c *pqConn) Write(p []byte) (int, error) {
	if c.ending.CompareAndSwap(true, false) {
		if err := c.SetDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}
