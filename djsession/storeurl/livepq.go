package storeurl

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/djsess/djsess/internal/netpeek"
)

// liveConn is a connection of lib/pq with what go-sql-driver and pgx have: when the
// server has closed it, that is noticed as it leaves the pool. lib/pq notices when it
// waits for the answer to a statement, and then nobody knows whether the statement was
// done.
type liveConn struct {
	pqDriverConn
	socket net.Conn
}

// pqDriverConn is all that database/sql can ask of lib/pq's connections.
type pqDriverConn interface {
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

func newLiveConn(conn driver.Conn, socket net.Conn) (driver.Conn, error) {
	full, ok := conn.(pqDriverConn)
	if !ok {
		conn.Close()
		return nil, errors.New("lib/pq's connection is not as djsess knows it")
	}
	return &liveConn{full, socket}, nil
}

// ResetSession is for driver.SessionResetter: database/sql calls it when it takes a
// connection from the pool, and takes another one after driver.ErrBadConn.
func (c *liveConn) ResetSession(ctx context.Context) error {
	if netpeek.Closed(c.socket) {
		return driver.ErrBadConn
	}
	return c.pqDriverConn.ResetSession(ctx)
}
