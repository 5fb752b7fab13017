package dbstore

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// Examine checks the database server, whether a pooler is in between, the clocks, the index of
// expire_date and the table: see djsession.Examiner. The results include what Check finds.
func (s *Store) Examine(ctx context.Context) []djsession.CheckResult {
	results := s.table.Examine(ctx, s.settings().Now)
	if results[0].Status == djsession.CheckFails {
		return results
	}
	results = append(results, s.checkTypes(ctx))
	return append(results, s.checkTable(ctx)...)
}

// Reopen returns a store over the same database handle: see djsession.Reopener.
func (s *Store) Reopen(settings *djsession.Settings) (djsession.Store, error) {
	c := s.config
	c.Settings = settings
	return New(s.table.DB, c)
}

// checkTypes looks at what lets sessions be stored twice, or their times be moved: the key and the
// type of the expiry.
func (s *Store) checkTypes(ctx context.Context) djsession.CheckResult {
	ctx, cancel := s.table.Limit(ctx)
	defer cancel()
	columns, err := s.tableColumns(ctx)
	var unique bool
	if err == nil {
		unique, err = s.hasUniqueKey(ctx)
	}
	if err != nil {
		return djsession.ErrorResult(tableCheck, djsession.CheckSkipped, s.table.Fail(ctx, opCheck, "", err))
	}
	wrong := func(format string, args ...any) djsession.CheckResult {
		return djsession.CheckResult{Check: tableCheck, Status: djsession.CheckFails, Text: fmt.Sprintf("table %q: "+format, append([]any{s.table.Name}, args...)...),
			Remedy: `is it the site's table? "manage.py migrate" makes it as Django needs it`}
	}
	at := slices.IndexFunc(columns, func(c tableColumn) bool { return strings.EqualFold(c.name, s.model.ExpiryColumn) })
	switch want := expiryTypes[s.Dialect()]; {
	case want != "" && at >= 0 && !strings.EqualFold(columns[at].kind, want):
		return wrong("column %q is of the type %q, and Django makes it a %q: the database moves the times by its own time zone", s.model.ExpiryColumn, columns[at].kind, want)
	case !unique:
		return wrong("column %q is no primary key and has no unique index: two sessions could have one key", s.model.KeyColumn)
	}
	return djsession.CheckResult{Check: tableCheck, Status: djsession.CheckOK, Text: fmt.Sprintf("key and expiry of table %q are as Django makes them", s.table.Name)}
}

// expiryTypes are the types that Django gives a DateTimeField. In SQLite a type is only a name.
var expiryTypes = map[Dialect]string{PostgreSQL: "timestamp with time zone", MySQL: "datetime"}

// hasUniqueKey reports whether the key alone is a primary key, or has a unique index.
func (s *Store) hasUniqueKey(ctx context.Context) (unique bool, err error) {
	schema, table := s.table.SchemaAndName()
	query, args := "", []any{schema, table, s.model.KeyColumn}
	switch s.table.Dialect {
	case sqldialect.PostgreSQL:
		query, args = `SELECT COUNT(*) > 0 FROM pg_catalog.pg_index i
			JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = to_regclass($1) AND a.attname = $2 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnatts = 1`,
			[]any{s.table.Quoted, s.model.KeyColumn}
	case sqldialect.MySQL:
		query = `SELECT COUNT(*) > 0 FROM (SELECT MAX(column_name = ?) AS is_key, COUNT(*) AS parts FROM information_schema.statistics
			WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ? AND non_unique = 0 GROUP BY index_name) i WHERE is_key AND parts = 1`
		args = []any{s.model.KeyColumn, schema, table}
	case sqldialect.SQLite:
		query = `SELECT (SELECT COUNT(*) = 1 AND MAX(name = ?3 COLLATE NOCASE) FROM pragma_table_info(?2, ?1) WHERE pk) OR EXISTS (
			SELECT 1 FROM pragma_index_list(?2, ?1) l WHERE l."unique" AND NOT l.partial
			AND (SELECT COUNT(*) = 1 AND MAX(i.name = ?3 COLLATE NOCASE) FROM pragma_index_info(l.name, ?1) i))`
	}
	err = s.table.DB.QueryRowContext(ctx, query, args...).Scan(&unique)
	return unique, err
}

// Size returns the size of the table, from what the database knows of it. The number of rows is an
// estimate. In SQLite it counts up to a million rows, and the bytes are those of the whole database.
func (s *Store) Size(ctx context.Context) (djsession.StoreSize, error) { return s.table.Size(ctx) }

// ClearExpired removes the rows whose expire_date is before r.Before, in batches along the index of
// expire_date. If rows of another table point at a row, and the database does not let it go, it
// stays: "manage.py clearsessions" removes it with them.
func (s *Store) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	return s.table.ClearExpired(ctx, r)
}
