package storeurl

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"time"

	"github.com/lib/pq"

	"github.com/djsess/djsess/internal/netpeek"
)

// livePQ is lib/pq with what go-sql-driver and pgx have: a connection that the server
// has closed is noticed as it leaves the pool. lib/pq notices when it waits for the
// answer to a statement, and then nobody knows whether the statement was done.
type livePQ struct{ *pq.Connector }

func newLivePQ(connector *pq.Connector) livePQ {
	connector.Dialer(new(noticingDialer))
	return livePQ{connector}
}

// socketOf is where a context has room for the connection that is dialed.
type socketOf struct{}

// Connect is for driver.Connector.
func (l livePQ) Connect(ctx context.Context) (driver.Conn, error) {
	var socket net.Conn
	conn, err := l.Connector.Connect(context.WithValue(ctx, socketOf{}, &socket))
	if err != nil {
		return nil, err
	}
	full, ok := conn.(pqConn)
	if !ok || socket == nil {
		conn.Close()
		return nil, errors.New("lib/pq's connection is not as djsess knows it")
	}
	return &liveConn{full, socket}, nil
}

// pqConn is all that database/sql can ask of lib/pq's connections.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type liveConn struct {
	pqConn
	socket net.Conn
}

// ResetSession is for driver.SessionResetter: database/sql calls it when it takes a
// connection from the pool, and takes another one after driver.ErrBadConn.
func (c *liveConn) ResetSession(ctx context.Context) error {
	if netpeek.Closed(c.socket) {
		return driver.ErrBadConn
	}
	return c.pqConn.ResetSession(ctx)
}

// noticingDialer leaves the connection where the context has room for it. The one that
// is there already is of an attempt that has failed, and lib/pq does not close it when
// the server has no TLS (sslmode=prefer): the server would hold it for a minute.
type noticingDialer struct{ net.Dialer }

func (d *noticingDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if room, ok := ctx.Value(socketOf{}).(*net.Conn); ok && err == nil {
		if *room != nil {
			(*room).Close()
		}
		*room = conn
	}
	return conn, err
}

// DialTimeout is for pq.Dialer, which lib/pq calls for dialers without DialContext.
func (d *noticingDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, timeout)
}
