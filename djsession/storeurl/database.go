package storeurl

import (
	"database/sql"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/waitlimit"
)

// database is a kind of database, and how it is connected to.
type database struct {
	dialect dbstore.Dialect
	connect func(*storeURL) (*sql.DB, time.Duration, error)
}

// open opens a pool of connections, and returns how long a load may take: load_timeout, or
// else 10 seconds, or the longest wait that the driver's options grant if that is longer.
// A connect function returns that wait, or 0.
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

var databases = map[string]*database{
	"postgres":   {dbstore.PostgreSQL, openPostgreSQL},
	"postgresql": {dbstore.PostgreSQL, openPostgreSQL},
	"pgsql":      {dbstore.PostgreSQL, openPostgreSQL},
	"postgis":    {dbstore.PostgreSQL, openPostgreSQL},
	"mysql":      {dbstore.MySQL, openMySQL},
	"mariadb":    {dbstore.MySQL, openMySQL},
	"sqlite":     {dbstore.SQLite, openSQLite},
}

// djangoOnly are options of dj-database-url and of Django's connections that say
// nothing about what is stored.
var djangoOnly = []string{
	"conn_max_age", "conn_health_checks", "atomic_requests", "autocommit",
	"disable_server_side_cursors", "server_side_binding", "pool", "isolation_level",
	"transaction_mode", "init_command",
}

// errNoDatabase: Django wants a NAME, too.
var errNoDatabase = errors.New("it names no database: scheme://user@host/name")

// openTable is the engine db.
func (d *database) openTable(u *storeURL, settings *djsession.Settings) (*dbstore.Store, error) {
	c := dbstore.Config{
		Dialect:  d.dialect,
		Settings: settings,
		Table:    u.take("table"),
		TimeZone: u.take("time_zone"),
	}
	var db *sql.DB
	var err error
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
