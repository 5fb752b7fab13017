package storeurl

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/lib/pq"
)

// readOnlyParameter is the setting that makes PostgreSQL refuse the writes of a connection.
const readOnlyParameter = "default_transaction_read_only"

// pqReadOnly opens connections on which PostgreSQL refuses every write.
//
// With a server that is reached directly, the startup packet says so, which costs nothing. That
// is not possible with a pooler, whose clients share the connections to the server. PgBouncer
// refuses the parameter, or drops it without a word if it is in ignore_startup_parameters. Each
// statement then runs in a transaction that is BEGIN READ ONLY, which costs two round trips.
// A SET would stay on a connection that the site gets next.
type pqReadOnly struct {
	// usesTransactions: the parameter is known to be refused, dropped or not to be usable.
	usesTransactions atomic.Bool
}

// newPQReadOnly returns how to open connections with a configuration.
func newPQReadOnly(config pq.Config) *pqReadOnly {
	r := new(pqReadOnly)
	// With read-write, lib/pq passes by a host that refuses writes, for whatever reason.
	r.usesTransactions.Store(config.TargetSessionAttrs == pq.TargetSessionAttrsReadWrite)
	return r
}

// open opens a connection.
func (r *pqReadOnly) open(ctx context.Context, config pq.Config, l *transport) (driver.Conn, error) {
	if !r.usesTransactions.Load() {
		conn, err := openWithParameter(ctx, config, l)
		if conn != nil || err != nil {
			return conn, err
		}
		r.usesTransactions.Store(true)
	}
	conn, err := openPQ(ctx, config, l)
	if err != nil {
		return nil, err
	}
	return &readOnlyConn{liveConn: conn.(*liveConn)}, nil
}

// openWithParameter opens a connection with the parameter in its startup packet. It returns
// nil if a pooler has refused or dropped the parameter.
func openWithParameter(ctx context.Context, config pq.Config, l *transport) (driver.Conn, error) {
	config = config.Clone()
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	config.Runtime[readOnlyParameter] = "on"
	conn, err := openPQ(ctx, config, l)
	switch {
	case isRefusedParameter(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	holds, err := holdsParameter(ctx, conn.(*liveConn))
	if err != nil || !holds {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// isRefusedParameter reports whether an error is a pooler's refusal of the startup parameter.
// PgBouncer has no SQLSTATE of its own for it.
func isRefusedParameter(err error) bool {
	var refused *pq.Error
	return errors.As(err, &refused) && strings.Contains(refused.Message, readOnlyParameter)
}

// holdsParameter reports whether the server itself has the parameter from the startup packet of
// this connection. A pooler may have dropped it, or may have sent a SET to one of its
// connections to the server.
func holdsParameter(ctx context.Context, conn *liveConn) (bool, error) {
	const query = "SELECT setting, source FROM pg_settings WHERE name = '" + readOnlyParameter + "'"
	rows, err := conn.QueryContext(ctx, query, nil)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	row := make([]driver.Value, 2)
	if err := rows.Next(row); err != nil && err != io.EOF {
		return false, err
	}
	return asText(row[0]) == "on" && asText(row[1]) == "client", nil
}

func asText(value driver.Value) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

// readOnlyConn is a connection that runs each statement in a read-only transaction.
type readOnlyConn struct {
	*liveConn
	inTransaction bool // of the caller's own
	isBroken      bool // a transaction may still be open
}

// BeginTx begins the caller's own transaction, as a read-only one.
func (c *readOnlyConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	options.ReadOnly = true
	tx, err := c.pqDriverConn.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	c.inTransaction = true
	return &readOnlyTx{tx, c}, nil
}

// Begin makes readOnlyConn a driver.Conn. database/sql calls BeginTx.
func (c *readOnlyConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

type readOnlyTx struct {
	driver.Tx
	conn *readOnlyConn
}

func (t *readOnlyTx) Commit() error {
	t.conn.inTransaction = false
	return t.Tx.Commit()
}

func (t *readOnlyTx) Rollback() error {
	t.conn.inTransaction = false
	return t.Tx.Rollback()
}

// ExecContext runs a statement. If it writes, the server refuses it.
func (c *readOnlyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.inTransaction {
		return c.pqDriverConn.ExecContext(ctx, query, args)
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	defer c.end(ctx)
	return c.pqDriverConn.ExecContext(ctx, query, args)
}

// QueryContext runs a query. Its transaction ends when the rows are closed.
func (c *readOnlyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.inTransaction {
		return c.pqDriverConn.QueryContext(ctx, query, args)
	}
	if err := c.begin(ctx); err != nil {
		return nil, err
	}
	rows, err := c.pqDriverConn.QueryContext(ctx, query, args)
	if err != nil {
		c.end(ctx)
		return nil, err
	}
	full, ok := rows.(pqDriverRows)
	if !ok {
		rows.Close()
		c.end(ctx)
		return nil, errors.New("lib/pq's rows lack a method that djsess expects: this release of lib/pq is not supported")
	}
	return &readOnlyRows{full, func() { c.end(ctx) }}, nil
}

// pqDriverRows has the interfaces of lib/pq's rows that packages of djsess use.
type pqDriverRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
}

type readOnlyRows struct {
	pqDriverRows
	end func()
}

// Close closes the rows and ends their transaction.
func (r *readOnlyRows) Close() error {
	defer r.end()
	return r.pqDriverRows.Close()
}

func (c *readOnlyConn) begin(ctx context.Context) error {
	_, err := c.pqDriverConn.ExecContext(ctx, "BEGIN READ ONLY", nil)
	return err
}

// end ends the transaction of one statement. If that fails, the statement has its answer all the
// same, and only the connection cannot be used again.
func (c *readOnlyConn) end(ctx context.Context) {
	if _, err := c.pqDriverConn.ExecContext(ctx, "ROLLBACK", nil); err != nil {
		c.isBroken = true
	}
}

var errPrepare = errors.New("a store that is read-only through a pooler takes no prepared statements: use a query with its arguments")

// PrepareContext refuses: a statement that was prepared on one connection to the server may be
// run on another one, and outside of a read-only transaction.
func (c *readOnlyConn) PrepareContext(context.Context, string) (driver.Stmt, error) {
	return nil, errPrepare
}

// Prepare makes readOnlyConn a driver.Conn. database/sql calls PrepareContext.
func (c *readOnlyConn) Prepare(string) (driver.Stmt, error) { return nil, errPrepare }

// IsValid implements driver.Validator. database/sql closes a connection that is not valid.
func (c *readOnlyConn) IsValid() bool { return !c.isBroken && c.pqDriverConn.IsValid() }
