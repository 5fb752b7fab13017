package storeurl

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// cancelTime is how long a server may take to answer a request to cancel a statement.
const cancelTime = 2 * time.Second

// pqDialer dials for one connection of lib/pq. When a statement's context ends, lib/pq
// asks the server by a second connection to cancel the statement, and goes on waiting
// for the answer to it. From a server that is silent none comes: so the request to
// cancel, which is the only thing that lib/pq dials for when the connection stands,
// begins a time limit for it.
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
		conn.Close() // cut may have come before
	}
	limited := &pqConn{Conn: conn}
	d.conn.Store(limited)
	return limited, nil
}

// cut ends whatever lib/pq waits for while it connects.
func (l *line) cut() {
	if conn := l.dialed.Load(); conn != nil {
		(*conn).Close()
	}
}

// Dial makes pqDialer a pq.Dialer, as which it is not used.
func (d *pqDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialTimeout makes pqDialer a pq.Dialer, as which it is not used.
func (d *pqDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// pqConn is a connection on which a statement may have to end.
type pqConn struct {
	net.Conn
	ending atomic.Bool
}

func (c *pqConn) endAt(deadline time.Time) {
	c.ending.Store(true)
	c.SetDeadline(deadline)
}

// Write sends a statement. The last one may have been canceled in time.
func (c *pqConn) Write(p []byte) (int, error) {
	if c.ending.CompareAndSwap(true, false) {
		if err := c.SetDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}
