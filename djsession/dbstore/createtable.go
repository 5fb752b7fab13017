package dbstore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/internal/sqldialect"
)

// CreateTable creates the table as the migration of django.contrib.sessions does, with the same
// indexes under the same names. If the table exists, it does nothing. It is for a Go service
// that is set up before the site. The site's first migration then needs "manage.py migrate
// --fake-initial". A Model with further Columns is an error: only the site's migration knows their
// types.
func (s *Store) CreateTable(ctx context.Context) error {
	ctx, cancel := s.table.LimitWrite(ctx)
	defer cancel()
	if len(s.model.Columns) > 0 {
		return s.table.ErrorHint(s.createOp(), errFurtherColumns, `"manage.py migrate" makes the table`)
	}
	exists, err := s.tableExists(ctx)
	if err != nil || exists {
		return err
	}
	if err := s.createTable(ctx); err != nil {
		// Two services may start at the same time.
		if exists, existsErr := s.tableExists(ctx); existsErr == nil && exists {
			return nil
		}
		return s.tableError(ctx, err)
	}
	return nil
}

func (s *Store) createTable(ctx context.Context) error {
	tx, err := s.table.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range s.schema() {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *Store) tableExists(ctx context.Context) (bool, error) {
	rows, err := s.table.DB.QueryContext(ctx, "SELECT 1 FROM "+s.table.Quoted+" WHERE 1 = 0")
	switch {
	case err == nil:
		return true, rows.Close()
	case ctx.Err() == nil && s.table.Dialect.Classify(err) == sqldialect.NoTable:
		return false, nil
	}
	return false, s.tableError(ctx, err)
}

func (s *Store) tableError(ctx context.Context, err error) error {
	return s.table.Fail(ctx, s.createOp(), "", err)
}

func (s *Store) createOp() string { return fmt.Sprintf("create table %q", s.table.Name) }

var errFurtherColumns = errors.New("the session model has columns of its own, whose types are not known")

// schema returns the statements of Django's schema editor for the model Session.
func (s *Store) schema() []string {
	q := s.table.Dialect.QuoteName
	expiryIndex := q(s.indexName(s.model.ExpiryColumn, ""))
	switch s.Dialect() {
	case PostgreSQL:
		return []string{
			"CREATE TABLE " + s.table.Quoted + " (" + q(s.model.KeyColumn) + " varchar(40) NOT NULL PRIMARY KEY, " +
				q(s.model.DataColumn) + " text NOT NULL, " + q(s.model.ExpiryColumn) + " timestamp with time zone NOT NULL)",
			"CREATE INDEX " + q(s.indexName(s.model.KeyColumn, "_like")) + " ON " + s.table.Quoted + " (" + q(s.model.KeyColumn) + " varchar_pattern_ops)",
			"CREATE INDEX " + expiryIndex + " ON " + s.table.Quoted + " (" + q(s.model.ExpiryColumn) + ")",
		}
	case MySQL:
		// One statement: MySQL commits after each, and half a table would stay.
		return []string{
			"CREATE TABLE " + s.table.Quoted + " (" + q(s.model.KeyColumn) + " varchar(40) NOT NULL PRIMARY KEY, " +
				q(s.model.DataColumn) + " longtext NOT NULL, " + q(s.model.ExpiryColumn) + " datetime(6) NOT NULL, " +
				"KEY " + expiryIndex + " (" + q(s.model.ExpiryColumn) + "))",
		}
	}
	// SQLite: the index is in the table's schema, and the schema is part of the index's name in
	// the statement.
	schema, table := "", s.table.Name
	if i := strings.IndexByte(s.table.Name, '.'); i >= 0 {
		schema, table = q(s.table.Name[:i])+".", s.table.Name[i+1:]
	}
	return []string{
		"CREATE TABLE " + s.table.Quoted + " (" + q(s.model.KeyColumn) + " varchar(40) NOT NULL PRIMARY KEY, " +
			q(s.model.DataColumn) + " text NOT NULL, " + q(s.model.ExpiryColumn) + " datetime NOT NULL)",
		"CREATE INDEX " + schema + expiryIndex + " ON " + q(table) + " (" + q(s.model.ExpiryColumn) + ")",
	}
}

// indexName is the schema editor's _create_index_name for one column.
func (s *Store) indexName(column, suffix string) string {
	table := s.table.Name[strings.IndexByte(s.table.Name, '.')+1:]
	digest := md5.Sum([]byte(table + column)) // a name, not a signature
	suffix = hex.EncodeToString(digest[:])[:8] + suffix
	name := table + "_" + column + "_" + suffix
	longest := s.table.Dialect.MaxNameLength
	if len(name) <= longest {
		return name
	}
	suffix = suffix[:min(len(suffix), longest/3)]
	other := (longest-len(suffix))/2 - 1
	name = table[:min(len(table), other)] + "_" + column[:min(len(column), other)] + "_" + suffix
	if c := name[0]; c == '_' || c >= '0' && c <= '9' {
		name = "D" + name[:len(name)-1]
	}
	return name
}
