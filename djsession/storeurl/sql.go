package storeurl

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/waitlimit"
)

// database is a kind of database, and how to connect to it.
type database struct {
	dialect dbstore.Dialect
	// connect returns a pool of connections, and the longest wait that the driver's options
	// grant, or 0.
	connect func(*storeURL) (*sql.DB, time.Duration, error)
}

// errNoDatabase: Django requires a NAME, too.
var errNoDatabase = errors.New("the URL names no database: scheme://user@host/name")

// open opens a pool of connections, and returns how long a load may take: load_timeout if it is
// set. Otherwise that is 10 seconds, or the longest wait in the driver's options if that is
// longer.
func (d *database) open(u *storeURL) (*sql.DB, time.Duration, error) {
	p, err := u.pool()
	if err != nil {
		return nil, 0, err
	}
	timeout, err := u.seconds("load_timeout")
	if err != nil {
		return nil, 0, err
	}
	db, granted, err := d.connect(u)
	if err != nil {
		return nil, 0, err
	}
	p.apply(db)
	if timeout == 0 {
		timeout = max(waitlimit.Default, granted)
	}
	return db, timeout, nil
}

// openTable opens the engine db.
func (d *database) openTable(u *storeURL, settings *djsession.Settings) (*dbstore.Store, error) {
	c := dbstore.Config{
		Dialect:  d.dialect,
		Settings: settings,
		TimeZone: u.take("time_zone"),
	}
	var db *sql.DB
	var err error
	if c.Model, err = u.sessionModel(); err != nil {
		return nil, err
	}
	if db, c.Timeout, err = d.open(u); err != nil {
		return nil, err
	}
	store, err := dbstore.New(db, c)
	if err != nil {
		db.Close()
		return nil, err
	}
	return store, nil
}

// sessionModel returns the session model of the options, or of WithModel.
func (u *storeURL) sessionModel() (m dbstore.Model, err error) {
	name := u.take("model")
	switch {
	case u.model != nil && name != "":
		return m, errors.New("the session model is given by WithModel and by ?model=, too: choose one")
	case u.model != nil:
		m = *u.model
	case name != "":
		if m, err = dbstore.ModelNamed(name); err != nil {
			return m, err
		}
	}
	if table := u.take("table"); table != "" {
		m.Table = table
	}
	return m, nil
}

// openCache opens a DatabaseCache, dbcache+postgres://…?table=.
func (d *database) openCache(u *storeURL, c *openedCache) error {
	config := dbcache.Config{
		Dialect:  d.dialect,
		Settings: c.config.Settings,
		Table:    u.take("table"),
		TimeZone: u.take("time_zone"),
		ReadOnly: u.readOnly,
	}
	if config.Table == "" {
		return errors.New("the URL names no table: ?table= is the LOCATION of the site's DatabaseCache")
	}
	var err error
	if config.MaxEntries, config.CullFrequency, err = u.culling(); err != nil {
		return err
	}
	if config.DB, config.Timeout, err = d.open(u); err != nil {
		return err
	}
	cache, err := dbcache.New(config)
	if err != nil {
		config.DB.Close()
		return err
	}
	c.cache = cache
	return nil
}

// connector opens the connections of a database's pool, each within a limit. The drivers' own
// limits do not cover the whole connecting: that of go-sql-driver/mysql ends once TCP is
// connected, and that of lib/pq starts again if a server does not answer whether it has TLS.
type connector struct {
	// open opens a connection, and dials with the transport. It returns when the context ends. If the
	// password is not "", it is in place of the URL's.
	open     func(ctx context.Context, l *transport, password string) (driver.Conn, error)
	password passwordFunc // nil: that of the URL
	driver   driver.Driver
	limit    time.Duration // of connecting, TLS and handshake together; 0: none
	address  string        // for messages
	question string        // for the error of a handshake that fails, such as "is it a PostgreSQL?"
	// isForeign reports whether an error means that the server speaks another
	// protocol. It is nil if the driver has no such error.
	isForeign func(error) bool
}

// Driver makes connector a driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// Connect opens one connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	password := ""
	if c.password != nil { // before the limit begins, which is that of the server
		var err error
		if password, err = c.password(ctx); err != nil {
			return nil, fmt.Errorf("connect to %s: %w", c.address, err)
		}
	}
	ctx, cancel := waitlimit.Context(ctx, c.limit)
	defer cancel()
	l := new(transport)
	conn, err := c.open(ctx, l, password)
	if err == nil {
		l.ready.Store(true)
		return conn, nil
	}
	ended := waitlimit.Ended(ctx)
	switch {
	case ended != nil && l.dialed.Load() == nil:
		err = fmt.Errorf("connect to %s: %w", c.address, ended)
	case ended != nil:
		err = fmt.Errorf("connect to %s: it accepts connections, but the handshake was not finished (%s): %w", c.address, c.question, ended)
	case c.isForeign != nil && c.isForeign(err):
		err = fmt.Errorf("connect to %s (%s): %w", c.address, c.question, err)
	}
	return nil, err
}

// transport is the network connection below a connection of a pool.
type transport struct {
	dialed atomic.Pointer[net.Conn] // the last one that was dialed
	ready  atomic.Bool              // the handshake is over
}

// dial connects. If the driver dials again, dial closes the previous connection.
func (l *transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if before := l.dialed.Swap(&conn); before != nil {
		(*before).Close()
	}
	return conn, nil
}

// cut closes the connection, so that a driver that waits on it returns.
func (l *transport) cut() {
	if conn := l.dialed.Load(); conn != nil {
		(*conn).Close()
	}
}
