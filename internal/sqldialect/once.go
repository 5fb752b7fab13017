package sqldialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// Writer sends the statements that change something, and sends each one once.
//
// When a connection closes after the database has done a statement and before the
// answer has come, some drivers (lib/pq) report driver.ErrBadConn, and *sql.DB sends
// the statement again on another connection: a change is made twice. A statement on
// a *sql.Conn is not sent again.
//
// That leaves it to Writer to notice a pooled connection that had ended before the
// statement, as all do when a server restarts. go-sql-driver and pgx look at the
// socket when a connection leaves the pool, and so do lib/pq's connections that
// storeurl opens. For those that a program has opened by itself, Writer asks: after
// the database has been silent for idleTime, or a connection has just broken, a write
// begins with a ping.
type Writer struct {
	db      *sql.DB
	dialect *Dialect

	answered atomic.Int64 // when the database last answered
	broken   atomic.Int64 // when an answer was last lost
}

const (
	// idleTime is how long a connection is taken to be usable after an answer.
	idleTime = time.Second
	// brokenTime is how long the other pooled connections are not, after one of
	// them has broken.
	brokenTime = time.Minute
)

// NewWriter returns a Writer on a database.
func (d *Dialect) NewWriter(db *sql.DB) *Writer { return &Writer{db: db, dialect: d} }

// Answered notes that the database has answered, to a read.
func (w *Writer) Answered() { w.answered.Store(time.Now().UnixNano()) }

// lostError is the error of a statement that was sent and that the database has not
// answered: nobody knows whether it was done, or will be.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// Exec sends a statement once and counts the rows. An error of the Class Lost means
// that it may have been done.
func (w *Writer) Exec(ctx context.Context, stmt Statement, args Args) (rows int64, err error) {
	conn, err := w.conn(ctx)
	if err != nil {
		return 0, err // nothing was sent
	}
	defer conn.Close()
	result, err := conn.ExecContext(ctx, stmt.SQL, stmt.Bind(args)...)
	switch {
	case err == nil:
		w.Answered()
		return result.RowsAffected()
	case w.dialect.answered(err):
		return 0, err
	}
	if ctx.Err() == nil {
		w.broken.Store(time.Now().UnixNano())
	}
	return 0, lostError{err}
}

// sendings is how often a statement is sent whose answers are lost.
const sendings = 3

// ExecAgain is Exec for a statement that changes nothing when it is done twice: a new
// row under a key of its own, or a deletion. While the answer is lost, it is sent
// again, on another connection. Again tells that it was: then what the database says
// may be about what the statement itself has done before. A first statement that
// arrives later still finds the key taken, or the row gone.
func (w *Writer) ExecAgain(ctx context.Context, stmt Statement, args Args) (rows int64, again bool, err error) {
	var lost error
	for range sendings {
		err = w.dialect.Retry(func() error {
			rows, err = w.Exec(ctx, stmt, args)
			return err
		})
		switch w.dialect.Classify(err) {
		case Lost:
			if lost == nil {
				lost = err
			}
			continue
		case Unique:
			return 0, lost != nil, err
		}
		if err != nil && lost != nil {
			break // refused now, which says nothing about the first one
		}
		return rows, lost != nil, err
	}
	return 0, true, lost
}

// conn takes a connection that seems to be usable.
func (w *Writer) conn(ctx context.Context) (conn *sql.Conn, err error) {
	if !w.doubtful() {
		return w.db.Conn(ctx)
	}
	for range w.db.Stats().Idle + 2 { // those there are, a new one, and one that somebody else has put back
		if conn, err = w.db.Conn(ctx); err != nil {
			return nil, err
		}
		if err = conn.PingContext(ctx); err == nil {
			w.Answered()
			return conn, nil
		}
		discard(conn)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// doubtful tells whether a pooled connection may have ended since it was used.
func (w *Writer) doubtful() bool {
	now := time.Now().UnixNano()
	return now-w.answered.Load() > int64(idleTime) || now-w.broken.Load() < int64(brokenTime)
}

// discard keeps a connection from going back to the pool.
func discard(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}
