package sqltable

import (
	"context"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// checkExpiryIndex returns an ErrNoExpiryIndex if no index begins with the column of the times.
func (t *Table) checkExpiryIndex(ctx context.Context, op string) error {
	limited, cancel := t.Limit(ctx)
	defer cancel()
	schema, table := t.SchemaAndName()
	query, args := "", []any{schema, table, t.config.Expires}
	switch t.Dialect {
	case sqldialect.PostgreSQL:
		query, args = `SELECT COUNT(*) FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
			JOIN pg_catalog.pg_am m ON m.oid = c.relam
			WHERE i.indrelid = to_regclass($1) AND a.attname = $2
			AND i.indisvalid AND i.indpred IS NULL AND m.amname NOT IN ('hash', 'brin')`, []any{t.Quoted, t.config.Expires}
	case sqldialect.MySQL:
		query = `SELECT COUNT(*) FROM information_schema.statistics
			WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ? AND column_name = ? AND seq_in_index = 1`
	case sqldialect.SQLite:
		query = `SELECT COUNT(*) FROM pragma_index_list(?2, ?1) l, pragma_index_info(l.name, ?1) i
			WHERE i.seqno = 0 AND i.name = ?3 COLLATE NOCASE AND NOT l.partial`
	}
	var n int
	if err := t.DB.QueryRowContext(limited, query, args...).Scan(&n); err != nil {
		return t.Fail(limited, op, "", fmt.Errorf("read the indexes of table %q: %w", t.Name, err))
	}
	if n > 0 {
		return nil
	}
	// Perhaps there is no such table, or no such column.
	stmt := t.Dialect.Compile(fmt.Sprintf("SELECT %s, %s FROM %s WHERE 1 = 0", t.keyColumn, t.expires, t.Quoted))
	rows, err := t.DB.QueryContext(limited, stmt.SQL)
	if err != nil {
		return t.Fail(limited, op, "", err)
	}
	rows.Close()
	return t.ErrorHint(op, fmt.Errorf("table %q: %w", t.Name, djsession.ErrNoExpiryIndex), "create it, as Django does: "+t.createIndex())
}

// createIndex returns the statement that makes the missing index.
func (t *Table) createIndex() string {
	_, name := t.SchemaAndName()
	index := t.Dialect.QuoteName(name + "_" + t.config.Expires)
	if t.Dialect == sqldialect.PostgreSQL {
		index = "CONCURRENTLY " + index // writers do not wait
	}
	return "CREATE INDEX " + index + " ON " + t.Quoted + " (" + t.Dialect.QuoteName(t.config.Expires) + ")"
}
