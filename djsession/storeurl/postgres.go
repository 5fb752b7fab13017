package storeurl

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"github.com/djsess/djsess/internal/netpeek"
	"github.com/djsess/djsess/internal/waitlimit"
)

func openPostgreSQL(u *storeURL) (*sql.DB, time.Duration, error) {
	c, granted, err := u.pqConnector()
	if err != nil {
		return nil, 0, err
	}
	return sql.OpenDB(c), granted, nil
}

// pqConnector returns a connector to PostgreSQL.
func (u *storeURL) pqConnector() (c *connector, granted time.Duration, err error) {
	if err := u.takePostgresOptions(); err != nil {
		return nil, 0, err
	}
	config, err := pq.NewConfig(u.pqDSN())
	if err != nil {
		// An error of lib/pq about a connection string may quote parts of it.
		return nil, 0, errors.New(u.withoutSecrets(err.Error()))
	}
	if config.ConnectTimeout == 0 && !u.options.Has("connect_timeout") {
		config.ConnectTimeout = waitlimit.Default
	}
	addresses := pqAddresses(config)
	limit := config.ConnectTimeout * time.Duration(len(addresses)) // libpq's limit is for each host
	if len(addresses) == 1 {
		config.ConnectTimeout = 0 // the connector's limit covers all of it
	}
	open := openPQ
	if u.readOnly {
		open = newPQReadOnly(config).open
	}
	c = &connector{
		open: func(ctx context.Context, l *transport, password string) (driver.Conn, error) {
			config := config
			if password != "" {
				config = config.Clone()
				config.Password = password
			}
			stop := context.AfterFunc(ctx, l.cut) // lib/pq looks at the context only while it dials
			conn, err := open(ctx, config, l)
			if !stop() && err == nil {
				conn.Close()
				return nil, ctx.Err()
			}
			return conn, err
		},
		password: u.newPassword,
		driver:   &pq.Driver{},
		limit:    limit,
		address:  strings.Join(addresses, ", "),
		question: "is it a PostgreSQL?",
		isForeign: func(err error) bool {
			return strings.HasPrefix(err.Error(), "pq: unknown response for startup")
		},
	}
	granted = limit
	if ms, err := strconv.ParseInt(config.Runtime["statement_timeout"], 10, 32); err == nil {
		granted = max(granted, time.Duration(ms)*time.Millisecond)
	}
	return c, granted, nil
}

// openPQ opens a connection.
func openPQ(ctx context.Context, config pq.Config, l *transport) (driver.Conn, error) {
	c, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, err
	}
	dialer := &pqDialer{transport: l}
	c.Dialer(dialer)
	conn, err := c.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return newLiveConn(conn, dialer.conn.Load().Conn)
}

// pqAddresses returns the hosts that lib/pq tries, also those from the environment and the
// service file.
func pqAddresses(c pq.Config) []string {
	address := func(host string, hostaddr netip.Addr, port uint16) string {
		if hostaddr.IsValid() {
			host = hostaddr.String()
		}
		return net.JoinHostPort(host, strconv.Itoa(int(port)))
	}
	addresses := []string{address(c.Host, c.Hostaddr, c.Port)}
	for _, m := range c.Multi {
		addresses = append(addresses, address(m.Host, m.Hostaddr, m.Port))
	}
	return addresses
}

// cancelTime is how long a server may take to answer a request to cancel a statement.
const cancelTime = 2 * time.Second

// pqDialer dials for one connection of lib/pq, and sets a deadline when a statement is
// cancelled. When a statement's context ends, lib/pq dials a second connection to ask the server
// to cancel the statement, and continues to wait for the statement's answer, which a silent
// server never sends. After the handshake lib/pq dials only to cancel, so pqDialer then sets a
// deadline on the first connection.
type pqDialer struct {
	*transport
	conn atomic.Pointer[pqConn]
}

// DialContext makes pqDialer a pq.DialerContext.
func (d *pqDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if d.ready.Load() {
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

// Write sends a statement. It removes the deadline of the statement before.
func (c *pqConn) Write(p []byte) (int, error) {
	if c.ending.CompareAndSwap(true, false) {
		if err := c.SetDeadline(time.Time{}); err != nil {
			return 0, err
		}
	}
	return c.Conn.Write(p)
}

// liveConn is a connection of lib/pq that checks, when it leaves the pool, whether the server
// has closed it. go-sql-driver does the same. lib/pq itself detects that only when it waits
// for the answer to a statement, and it is then not known whether the statement was executed.
type liveConn struct {
	pqDriverConn
	socket net.Conn
}

// pqDriverConn has all interfaces of lib/pq's connections that database/sql uses.
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

// LocalAddr returns this machine's end of the connection. Package sqltable compares it with what
// the server sees.
func (c *liveConn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// ResetSession implements driver.SessionResetter. database/sql calls it when it takes a
// connection from the pool, and after a driver.ErrBadConn it takes another one.
func (c *liveConn) ResetSession(ctx context.Context) error {
	if netpeek.Closed(c.socket) {
		return driver.ErrBadConn
	}
	return c.pqDriverConn.ResetSession(ctx)
}
