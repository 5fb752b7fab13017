// Package pgx keeps sessions over a pool of jackc/pgx, for a program that has one already.
//
// It is a module of its own, so that djsess does not depend on pgx.
package pgx

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// Open returns a store over the program's pool, which stays the program's to close. The pool's own
// limit of connections holds for the store, too.
//
// Behind a pooler in transaction mode, such as PgBouncer, the pool needs the option
// default_query_exec_mode=exec: pgx prepares statements otherwise, and the next statement may run
// on a connection to the server that has none of them.
func Open(pool *pgxpool.Pool, settings *djsession.Settings) (*dbstore.Store, error) {
	return dbstore.New(stdlib.OpenDBFromPool(pool), dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: settings})
}
