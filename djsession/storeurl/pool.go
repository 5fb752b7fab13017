package storeurl

import (
	"database/sql"
	"fmt"
	"strconv"
	"time"
)

// A pool is bounded, since the site needs the server's connections, too: PostgreSQL has 100
// by default, and a burst on a Go service without a bound leaves Django none. Idle
// connections are kept, since connecting costs more than a statement.
const (
	defaultMaxConns = 10
	idleTime        = 5 * time.Minute
	// mostConns is more than any server accepts.
	mostConns = 100_000
)

// pool is how many connections may be open, and how many of them may be idle.
type pool struct{ open, idle int }

// pool takes the options of a pool.
func (u *storeURL) pool() (p pool, err error) {
	if p.open, err = u.conns("max_open_conns", defaultMaxConns); err != nil {
		return p, err
	}
	if p.idle, err = u.conns("max_idle_conns", min(defaultMaxConns, p.open)); err != nil {
		return p, err
	}
	if p.idle > p.open {
		return p, fmt.Errorf("max_idle_conns %d is more than max_open_conns, %d", p.idle, p.open)
	}
	return p, nil
}

// conns takes an option that is a number of connections.
func (u *storeURL) conns(name string, otherwise int) (int, error) {
	text := u.take(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostConns {
		return 0, fmt.Errorf("%s %q: want a number of connections, from 1 to %d", name, text, mostConns)
	}
	return n, nil
}

func (p pool) apply(db *sql.DB) {
	db.SetMaxOpenConns(p.open)
	db.SetMaxIdleConns(p.idle)
	db.SetConnMaxIdleTime(idleTime)
}
