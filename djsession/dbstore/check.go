package dbstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// columnHint is the remedy for a column that the store does not write, or that is not there.
const columnHint = `describe the columns of the site's session model: see "Session tables of your own" in docs/stores.md ` +
	`(dbstore.Config.Model, ?model=, or columns in djsess.toml)`

// Check compares the table with Config.Model, before the first visitor does. It returns an error
// for each of:
//
//   - a column that the model describes, and that the table lacks
//   - a column that takes no NULL, has no default, and is not described: every new session fails
//   - a column that points at a user or at another table, and is not described: the site's own
//     "log out everywhere" misses the sessions that Go has made
//   - SQLite does not check foreign keys on this handle, and another table points at this one
//
// Manager.Check reports them.
func (s *Store) Check(ctx context.Context) (errs []error) {
	for _, r := range s.checkTable(ctx) {
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	return errs
}

// The checks of the table. Check returns the errors of their results.
const (
	tableCheck      = "table"
	columnsCheck    = "columns"
	foreignKeyCheck = "foreign keys"
	opCheck         = "check"
)

// checkTable compares the table with the model. It returns results that find nothing wrong, too.
func (s *Store) checkTable(ctx context.Context) []djsession.CheckResult {
	ctx, cancel := s.table.Limit(ctx)
	defer cancel()
	columns, err := s.tableColumns(ctx)
	if err != nil {
		err = s.table.Fail(ctx, opCheck, "", fmt.Errorf("read the columns of table %q: %w", s.table.Name, err))
		return []djsession.CheckResult{djsession.ErrorResult(tableCheck, djsession.CheckFails, err)}
	}
	results := s.compareColumns(columns)
	if len(results) == 0 {
		results = []djsession.CheckResult{{Check: columnsCheck, Status: djsession.CheckOK, Text: fmt.Sprintf("table %q has the columns of the session model", s.table.Name)}}
	}
	if err := s.checkForeignKeys(ctx); err != nil {
		results = append(results, djsession.ErrorResult(foreignKeyCheck, djsession.CheckFails, err))
	}
	return results
}

// compareColumns returns what is wrong with the columns.
func (s *Store) compareColumns(columns []tableColumn) (found []djsession.CheckResult) {
	report := func(status djsession.CheckStatus, format string, args ...any) {
		err := s.table.ErrorHint(opCheck, fmt.Errorf("table %q: "+format, append([]any{s.table.Name}, args...)...), columnHint)
		found = append(found, djsession.ErrorResult(columnsCheck, status, err))
	}
	isSame := strings.EqualFold
	if s.Dialect() == PostgreSQL {
		isSame = func(a, b string) bool { return a == b }
	}
	for _, name := range s.model.names() {
		if !slices.ContainsFunc(columns, func(c tableColumn) bool { return isSame(c.name, name) }) {
			report(djsession.CheckFails, "it has no column %q, which the session model describes", name)
		}
	}
	for _, c := range columns {
		if slices.ContainsFunc(s.model.names(), func(name string) bool { return isSame(name, c.name) }) {
			continue
		}
		switch {
		case c.required:
			report(djsession.CheckFails, "column %q takes no NULL, has no default and is not described, so no new session can be stored", c.name)
		case slices.Contains(userColumns, strings.ToLower(c.name)):
			report(djsession.CheckWarns, "column %q is not described, so the site does not find the user of a session that Go stores", c.name)
		case c.target != "":
			report(djsession.CheckWarns, "column %q points at table %q and is not described, so it is empty in the sessions that Go stores", c.name, c.target)
		}
	}
	return found
}

// userColumns are names of columns that say whose a session is.
var userColumns = []string{"user", "user_id", "account", "account_id", "member_id", "owner_id", "customer_id", "profile_id", "person_id"}

// tableColumn is a column of the session table.
type tableColumn struct {
	name     string
	kind     string // its type, as the database spells it
	required bool   // it takes no NULL and has no default
	target   string // the table that its foreign key points at
}

// tableColumns reads the columns of the session table. A table that does not exist has none.
func (s *Store) tableColumns(ctx context.Context) ([]tableColumn, error) {
	schema, table := s.table.SchemaAndName()
	query, args := "", []any{schema, table}
	switch s.Dialect() {
	case PostgreSQL:
		query, args = `SELECT a.attname::text, format_type(a.atttypid, NULL), a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
			(SELECT c.confrelid::regclass::text FROM pg_catalog.pg_constraint c
				WHERE c.contype = 'f' AND c.conrelid = a.attrelid AND a.attnum = ANY (c.conkey) LIMIT 1)
			FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, []any{s.table.Quoted}
	case MySQL:
		query = `SELECT c.column_name, c.data_type, c.is_nullable = 'NO' AND c.column_default IS NULL AND c.extra NOT LIKE '%auto_increment%' AND c.extra NOT LIKE '%GENERATED%',
			(SELECT k.referenced_table_name FROM information_schema.key_column_usage k
				WHERE k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name
				AND k.referenced_table_name IS NOT NULL LIMIT 1)
			FROM information_schema.columns c
			WHERE c.table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND c.table_name = ? ORDER BY c.ordinal_position`
	case SQLite:
		query = `SELECT c.name, c.type, c."notnull" AND c.dflt_value IS NULL, (SELECT f."table" FROM pragma_foreign_key_list(?2, ?1) f WHERE f."from" = c.name LIMIT 1)
			FROM pragma_table_info(?2, ?1) c ORDER BY c.cid`
	}
	rows, err := s.table.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var columns []tableColumn
	for rows.Next() {
		var c tableColumn
		var target sql.NullString
		if err := rows.Scan(&c.name, &c.kind, &c.required, &target); err != nil {
			return nil, err
		}
		c.target = target.String
		columns = append(columns, c)
	}
	return columns, rows.Err()
}

var errForeignKeysOff = errors.New("SQLite does not check foreign keys on this handle: a deletion leaves rows that point at nothing, and the site's next migrate fails")

// checkForeignKeys returns an error if SQLite does not check the foreign keys that point at the
// table.
func (s *Store) checkForeignKeys(ctx context.Context) error {
	if s.table.Dialect != sqldialect.SQLite {
		return nil
	}
	schema, table := s.table.SchemaAndName()
	var on bool
	var pointing sql.NullString
	err := s.table.DB.QueryRowContext(ctx, `SELECT (SELECT foreign_keys FROM pragma_foreign_keys),
		(SELECT m.name FROM `+s.table.Dialect.QuoteName(schema)+`.sqlite_master m, pragma_foreign_key_list(m.name, ?1) f
			WHERE m.type = 'table' AND f."table" = ?2 COLLATE NOCASE LIMIT 1)`, schema, table).Scan(&on, &pointing)
	switch {
	case err != nil:
		return s.table.Fail(ctx, "check", "", err)
	case pointing.Valid && !on:
		return s.table.ErrorHint("check", fmt.Errorf("table %q points at table %q: %w", pointing.String, s.table.Name, errForeignKeysOff),
			"open it with _pragma=foreign_keys(1)")
	}
	return nil
}
