package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// mostCounted is up to how many rows Size counts in SQLite, which keeps no number of rows.
const mostCounted = 1_000_000

// Size returns what the database knows of the size of the table: see djsession.Sizer.
func (t *Table) Size(ctx context.Context) (djsession.StoreSize, error) {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	size, err := map[*sqldialect.Dialect]func(context.Context) (djsession.StoreSize, error){
		sqldialect.PostgreSQL: t.sizeInPostgreSQL, sqldialect.MySQL: t.sizeInMySQL, sqldialect.SQLite: t.sizeInSQLite,
	}[t.Dialect](ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows): // a view, or a table in partitions, which has no size of its own
		return djsession.UnknownSize, nil
	case err != nil:
		return djsession.UnknownSize, t.Fail(ctx, "size", "", err)
	}
	return size, nil
}

// sizeInPostgreSQL takes the rows from the statistics of the running server and, until there are
// any, from those of the last ANALYZE. A connection reports there what it has deleted once a second,
// so the last deletions of a job are not in it yet.
func (t *Table) sizeInPostgreSQL(ctx context.Context) (djsession.StoreSize, error) {
	size := djsession.UnknownSize
	var rows, dead sql.NullInt64
	var vacuumed sql.NullTime
	err := t.DB.QueryRowContext(ctx, `SELECT pg_catalog.pg_table_size(c.oid), pg_catalog.pg_indexes_size(c.oid),
		CASE WHEN s.n_live_tup > 0 OR s.n_tup_ins > 0 THEN s.n_live_tup ELSE NULLIF(c.reltuples::bigint, -1) END, s.n_dead_tup, GREATEST(s.last_vacuum, s.last_autovacuum)
		FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid
		WHERE c.oid = to_regclass($1) AND c.relkind = 'r'`, t.Quoted).Scan(&size.Table, &size.Indexes, &rows, &dead, &vacuumed)
	if err != nil {
		return size, err
	}
	size.Sessions, size.Dead = orUnknown(rows), orUnknown(dead)
	if vacuumed.Valid {
		size.Vacuumed = vacuumed.Time.UTC()
	}
	size.Reclaim = fmt.Sprintf("PostgreSQL keeps the room of removed rows for new ones, once it has vacuumed: autovacuum does, or VACUUM (ANALYZE) %[1]s. "+
		"To give it back to the system, use pg_repack, or VACUUM FULL %[1]s, under which the whole site waits for the table", t.Quoted)
	return size, nil
}

func (t *Table) sizeInMySQL(ctx context.Context) (djsession.StoreSize, error) {
	size := djsession.UnknownSize
	schema, table := t.SchemaAndName()
	var rows, data, indexes, free sql.NullInt64
	var engine sql.NullString
	err := t.DB.QueryRowContext(ctx, `SELECT table_rows, data_length, index_length, data_free, engine FROM information_schema.tables
		WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ? AND table_type = 'BASE TABLE'`, schema, table).
		Scan(&rows, &data, &indexes, &free, &engine)
	if err != nil {
		return size, err
	}
	size.Sessions, size.Table, size.Indexes, size.Free = orUnknown(rows), orUnknown(data), orUnknown(indexes), orUnknown(free)
	if engine.String == "InnoDB" {
		size.Reclaim = fmt.Sprintf("InnoDB keeps the room of removed rows for new ones. To give it back to the system, use OPTIMIZE TABLE %s, "+
			"which copies the table beside the site, and makes it wait at the end", t.Quoted)
	}
	return size, nil
}

func (t *Table) sizeInSQLite(ctx context.Context) (djsession.StoreSize, error) {
	size := djsession.UnknownSize
	schema, _ := t.SchemaAndName()
	var free sql.NullInt64 // pragma_freelist_count knows only the schema main
	err := t.DB.QueryRowContext(ctx, `SELECT p.page_count * s.page_size,
		CASE WHEN ?1 = 'main' THEN (SELECT f.freelist_count FROM pragma_freelist_count f) * s.page_size END,
		(SELECT COUNT(*) FROM (SELECT 1 FROM `+t.Quoted+` LIMIT ?2))
		FROM pragma_page_count(?1) p, pragma_page_size(?1) s`, schema, mostCounted+1).
		Scan(&size.Files, &free, &size.Sessions)
	if err != nil {
		return size, err
	}
	size.Free = orUnknown(free)
	if size.Sessions > mostCounted {
		size.Sessions = -1
	}
	size.Reclaim = "SQLite keeps the room of removed rows for new ones. To give it back to the system, use VACUUM, during which the site cannot write"
	return size, nil
}

func orUnknown(n sql.NullInt64) int64 {
	if n.Valid {
		return n.Int64
	}
	return -1
}
