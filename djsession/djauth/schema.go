package djauth

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/sqldialect"
)

// One rule: a table of users whose name has no schema is in the schema of the session
// table. (In MySQL a schema is a database, in SQLite an attached one.) With the users of
// another tenant no hash would fit, and every visitor would be anonymous.
//
// The schema of the session table is
//   - the one in the name of the session table, if there is one;
//   - in SQLite main, and in MySQL the database of the connection;
//   - in PostgreSQL the one that the search_path leads to. There the same path may lead
//     to users of another schema, so the catalog is asked before the first query.

// inSchemaOf returns the name of a table of users, with the schema of the session
// table if it has none.
func inSchemaOf(sessions, users string, dialect *sqldialect.Dialect) string {
	if strings.Contains(users, ".") {
		return users
	}
	if schema, _, found := strings.Cut(sessions, "."); found {
		return schema + "." + users
	}
	if dialect == sqldialect.SQLite {
		return "main." + users
	}
	return users
}

// locate makes sure that the search_path leads to users and sessions in one schema.
// It asks the database until that is known, and then no more.
func (u *SQLUsers) locate(ctx context.Context) error {
	if u.located.Load() {
		return nil
	}
	const schema = `(SELECT n.nspname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s))`
	var users, sessions sql.NullString
	err := u.db.QueryRowContext(ctx, "SELECT "+fmt.Sprintf(schema, "$1")+", "+fmt.Sprintf(schema, "$2"),
		u.dialect.Quote(u.model.Table), u.dialect.Quote(u.sessions)).Scan(&users, &sessions)
	switch {
	case err != nil:
		return fmt.Errorf("find the schema of table %q: %w", u.model.Table, err)
	case !users.Valid:
		return nil // the query that follows will report it
	case sessions.Valid && sessions.String != users.String:
		return fmt.Errorf("table %q is in schema %q, but the session table %q is in schema %q: "+
			"if these are the users of those sessions, set UserModel.Table to %q",
			u.model.Table, users.String, u.sessions, sessions.String, users.String+"."+u.model.Table)
	}
	// Without a session table the sessions are kept somewhere else, and the users may
	// be in any schema.
	u.located.Store(true)
	return nil
}

// noTable adds the remedy to the database's error that there is no table of users.
func (u *SQLUsers) noTable(err error) error {
	return fmt.Errorf("%w %q: the users are looked for in the schema of the session table %q: "+
		"if they are in another one, set UserModel.Table to schema.table, such as \"public.auth_user\": %w",
		dbstore.ErrNoTable, u.model.Table, u.sessions, err)
}
