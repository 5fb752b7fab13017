package sqltable

import (
	"context"
	"database/sql"
	"net"

	"github.com/djsess/djsess/djsession"
)

// checkPooler looks for a pooler between this program and PostgreSQL, such as PgBouncer. Nothing asks the
// pooler itself: what a database user sends there goes to the server.
//
// In transaction mode a pooler gives each statement any of its connections to the server. Two
// connections of this program then have the same process of the server, or one has several. In
// session mode the server only sees another client than this program.
func (t *Table) checkPooler(ctx context.Context) djsession.CheckResult {
	const check = "pooler"
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	shares, foreign, err := t.isPooled(ctx)
	r := djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: "no pooler was seen between here and the database"}
	switch {
	case err != nil:
		return djsession.ErrorResult(check, djsession.CheckSkipped, t.Fail(ctx, opExamine, "", err))
	case shares:
		r.Text = "a pooler in transaction mode, such as PgBouncer, is in between: djsess works through it"
		r.Remedy = "the site needs DISABLE_SERVER_SIDE_CURSORS there, as Django's manual says"
	case foreign:
		r.Text = "something is in between, such as a pooler in session mode or a proxy: djsess works through it"
	}
	return r
}

// isPooled reports whether connections share processes of the server, and whether the server sees
// another client than this program.
func (t *Table) isPooled(ctx context.Context) (shares, foreign bool, err error) {
	first, err := t.DB.Conn(ctx)
	if err != nil {
		return false, false, err
	}
	defer first.Close()
	connections := []*sql.Conn{first}
	if t.DB.Stats().MaxOpenConnections != 1 {
		second, err := t.DB.Conn(ctx)
		if err != nil {
			return false, false, err
		}
		defer second.Close()
		connections = append(connections, second)
	}
	const rounds = 4 // other clients may take the process in between
	owner := map[int64]int{}
	for round := range rounds {
		for i, conn := range connections {
			var process int64
			var port sql.NullInt64
			if err := conn.QueryRowContext(ctx, "SELECT pg_catalog.pg_backend_pid(), pg_catalog.inet_client_port()").Scan(&process, &port); err != nil {
				return false, false, err
			}
			of, seen := owner[process]
			shares = shares || seen && of != i || !seen && round > 0
			owner[process] = i
			foreign = foreign || isForeign(conn, port)
		}
	}
	return shares, foreign, nil
}

// isForeign reports whether the server sees another port of its client than this connection has.
func isForeign(conn *sql.Conn, seen sql.NullInt64) (foreign bool) {
	_ = conn.Raw(func(driverConn any) error { // the error is of a closed connection, and the next statement returns it
		socket, ok := driverConn.(interface{ LocalAddr() net.Addr }) // package storeurl's
		if !ok {
			return nil
		}
		local, isTCP := socket.LocalAddr().(*net.TCPAddr)
		foreign = isTCP != seen.Valid || isTCP && int64(local.Port) != seen.Int64
		return nil
	})
	return foreign
}
