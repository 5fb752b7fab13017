package storeurl

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/djsess/djsess/internal/netpeek"
)

// liveConn is a connection of lib/pq that notices, when it leaves the pool, that the server
// has closed it. go-sql-driver and pgx do the same. lib/pq by itself notices it only when it
// waits for the answer to a statement, and then it is not known whether the statement was
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
		return nil, errors.New("lib/pq's connection lacks a method that djsess expects: this release of lib/pq is not supported")
	}
	return &liveConn{full, socket}, nil
}

// ResetSession implements driver.SessionResetter. database/sql calls it when it takes a
// connection from the pool, and after a driver.ErrBadConn it takes another one.
func (c *liveConn) ResetSession(ctx context.Context) error {
	if netpeek.Closed(c.socket) {
		return driver.ErrBadConn
	}
	return c.pqDriverConn.ResetSession(ctx)
}
