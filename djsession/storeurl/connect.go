package storeurl

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/internal/waitlimit"
)

// connector makes the connections of a database's pool, each within a limit. The drivers'
// own limits do not cover all of it: that of go-sql-driver/mysql ends once TCP is
// connected, and that of lib/pq starts again if a server does not answer whether it has
// TLS.
type connector struct {
	// open makes a connection, and dials by the line. It returns when the context ends.
	open    func(context.Context, *line) (driver.Conn, error)
	driver  driver.Driver
	limit   time.Duration // of connecting, TLS and handshake together; 0: none
	address string        // for messages
	doubt   string        // a question for the error of a handshake that fails, such as "is it a PostgreSQL?"
	// isForeign reports whether an error means that the server speaks another
	// protocol. It is nil if the driver has no such error.
	isForeign func(error) bool
}

// Driver makes connector a driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// Connect makes one connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := waitlimit.Context(ctx, c.limit)
	defer cancel()
	l := new(line)
	conn, err := c.open(ctx, l)
	if err == nil {
		l.stands.Store(true)
		return conn, nil
	}
	ended := waitlimit.Ended(ctx)
	switch {
	case ended != nil && l.dialed.Load() == nil:
		err = fmt.Errorf("connect to %s: %w", c.address, ended)
	case ended != nil:
		err = fmt.Errorf("connect to %s: it accepts connections, but the handshake was not finished (%s): %w", c.address, c.doubt, ended)
	case c.isForeign != nil && c.isForeign(err):
		err = fmt.Errorf("connect to %s (%s): %w", c.address, c.doubt, err)
	}
	return nil, err
}

// line is the network connection below a connection of a pool.
type line struct {
	dialed atomic.Pointer[net.Conn] // the last one that was dialed
	stands atomic.Bool              // the handshake is over
}

// dial connects. If the driver dials again, it has given up the connection before.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if before := l.dialed.Swap(&conn); before != nil {
		(*before).Close()
	}
	return conn, nil
}
