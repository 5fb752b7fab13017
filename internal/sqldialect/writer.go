package sqldialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync/atomic"
	"time"
)

// Writer sends the statements that change something, and sends each of them once.
//
// A connection may close after the database has executed a statement and before the answer
// has come. Then some drivers (lib/pq) report driver.ErrBadConn, and a *sql.DB sends the
// statement again on another connection: a change is made twice. So Writer uses a *sql.Conn,
// which does not send a statement again.
//
// Without that retry Writer must itself detect a pooled connection that the server has closed,
// for example by a restart. go-sql-driver looks at the socket when a connection leaves the pool,
// and so do lib/pq's connections that storeurl opens. For connections that the program
// opened, Writer sends a ping before the write if the database has not answered for idleTime, or
// if a connection has broken within brokenTime.
type Writer struct {
	db      *sql.DB
	dialect *Dialect

	answered atomic.Int64 // when the database last answered
	broken   atomic.Int64 // when an answer was last lost
}

const (
	// idleTime is how long connections count as usable after the database has answered.
	idleTime = time.Second
	// brokenTime is how long pooled connections are pinged before use after one of them has
	// broken.
	brokenTime = time.Minute
)

// NewWriter returns a Writer on a database.
func (d *Dialect) NewWriter(db *sql.DB) *Writer { return &Writer{db: db, dialect: d} }

// Answered records that the database has just answered. Callers call it after a read.
func (w *Writer) Answered() { w.answered.Store(time.Now().UnixNano()) }

// lostError is the error of a statement that was sent but not answered. The database may have
// executed it, or may still execute it.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// Exec sends a statement once and counts the rows. After an error of the Class Lost the
// database may have executed it.
func (w *Writer) Exec(ctx context.Context, stmt Statement, args Args) (rows int64, err error) {
	var result sql.Result
	err = w.once(ctx, func(conn *sql.Conn) (err error) {
		result, err = conn.ExecContext(ctx, stmt.SQL, stmt.Bind(args)...)
		return err
	})
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query is Exec for a statement that returns a text for each row that it has changed.
func (w *Writer) Query(ctx context.Context, stmt Statement, args Args) (texts []string, err error) {
	err = w.once(ctx, func(conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
		if err == nil {
			texts, err = Texts(rows)
		}
		return err
	})
	return texts, err
}

// Texts returns the rows of a query that selects one text, and closes them.
func Texts(rows *sql.Rows) (texts []string, err error) {
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return texts, rows.Err()
}

// once sends a statement on one connection, which does not repeat it.
func (w *Writer) once(ctx context.Context, send func(*sql.Conn) error) error {
	conn, err := w.conn(ctx)
	if err != nil {
		return err // nothing was sent
	}
	defer conn.Close()
	switch err = send(conn); {
	case err == nil:
		w.Answered()
		return nil
	case w.dialect.Answered(err):
		return err
	}
	if ctx.Err() == nil {
		w.broken.Store(time.Now().UnixNano())
	}
	return lostError{err}
}

// maxSends is how often a statement is sent at most if its answers are lost.
const maxSends = 3

// ExecAgain is Exec for an idempotent statement: a new row under a unique key, or a deletion. If
// the answer is lost, ExecAgain sends the statement again on another connection. Then again is
// true, and the answer may describe the effect of the first statement. A first statement that
// arrives after the second one has no effect.
func (w *Writer) ExecAgain(ctx context.Context, stmt Statement, args Args) (rows int64, again bool, err error) {
	var lost error
	for range maxSends {
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
			break // this error does not show whether the first statement was executed
		}
		return rows, lost != nil, err
	}
	return 0, true, lost
}

// conn takes a connection from the pool that is probably usable.
func (w *Writer) conn(ctx context.Context) (conn *sql.Conn, err error) {
	if !w.mayBeClosed() {
		return w.db.Conn(ctx)
	}
	for range w.db.Stats().Idle + 2 { // the idle ones, a new one, and one that another goroutine has put back
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

// mayBeClosed reports whether the server may have closed a pooled connection since its last use.
func (w *Writer) mayBeClosed() bool {
	now := time.Now().UnixNano()
	return now-w.answered.Load() > int64(idleTime) || now-w.broken.Load() < int64(brokenTime)
}

// maxRetries is how often a statement is sent again after a Conflict, which can happen with
// serializable transactions. A statement that was rolled back has no effect.
const maxRetries = 5

// Retry runs a statement, and runs it again after a Conflict.
func (d *Dialect) Retry(statement func() error) error {
	for attempt := 0; ; attempt++ {
		err := statement()
		if err == nil || attempt == maxRetries || d.Classify(err) != Conflict {
			return err
		}
	}
}

// discard keeps a connection from going back to the pool.
func discard(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
	conn.Close()
}
