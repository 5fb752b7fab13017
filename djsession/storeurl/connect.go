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

// connector makes the connections of a database's pool, each within a limit. The
// drivers' own limits end before a connection can be used: go-sql-driver/mysql's with
// TCP, and lib/pq's begins again when a server does not answer the question for TLS.
type connector struct {
	// open dials by a line. It ends when the context does.
	open    func(context.Context, *line) (driver.Conn, error)
	driver  driver.Driver
	limit   time.Duration // of connecting, TLS and handshake together; 0: none
	address string        // for messages
	doubt   string        // what to ask oneself when the handshake fails
	// isForeign tells an error of a server that speaks another protocol, if the driver
	// has such an error.
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
		err = fmt.Errorf("connect to %s: it accepts connections, and the handshake was not finished (%s): %w", c.address, c.doubt, ended)
	case c.isForeign != nil && c.isForeign(err):
		err = fmt.Errorf("connect to %s (%s): %w", c.address, c.doubt, err)
	}
	return nil, err
}

// line is the network connection below a connection of a pool.
type line struct {
	dialed atomic.Pointer[net.Conn] // last
	stands atomic.Bool              // the handshake is over
}

// dial connects. A driver that dials again has given up what it dialed before.
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
