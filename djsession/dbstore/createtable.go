package dbstore

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// CreateTable makes the table as the migration of django.contrib.sessions makes
// it, indexes and their names included, unless it is there. It is for a Go
// service that comes before the site; the site's first migration then wants
// "manage.py migrate --fake-initial".
func (s *Store) CreateTable(ctx context.Context) error {
	ctx, cancel := waitlimit.ForWrite(ctx, s.timeout)
	defer cancel()
	exists, err := s.tableExists(ctx)
	if err != nil || exists {
		return err
	}
	if err := s.createTable(ctx); err != nil {
		// Two services may start at the same time.
		if exists, existsErr := s.tableExists(ctx); existsErr == nil && exists {
			return nil
		}
		return fmt.Errorf("dbstore: create table %q: %w", s.name, s.classified(sqldialect.Ended(ctx, s.db, err)))
	}
	return nil
}

func (s *Store) createTable(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, statement := range s.ddl() {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *Store) tableExists(ctx context.Context) (bool, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT 1 FROM "+s.table+" WHERE 1 = 0")
	if err == nil {
		return true, rows.Close()
	}
	err = s.classified(sqldialect.Ended(ctx, s.db, err))
	if errors.Is(err, ErrNoTable) {
		return false, nil
	}
	return false, fmt.Errorf("dbstore: create table %q: %w", s.name, err)
}

// ddl is what Django's schema editor says for the model Session.
func (s *Store) ddl() []string {
	q := s.dialect.Quote
	expiryIndex := q(s.indexName("expire_date", ""))
	switch s.Dialect() {
	case PostgreSQL:
		return []string{
			"CREATE TABLE " + s.table + " (" + q("session_key") + " varchar(40) NOT NULL PRIMARY KEY, " +
				q("session_data") + " text NOT NULL, " + q("expire_date") + " timestamp with time zone NOT NULL)",
			"CREATE INDEX " + q(s.indexName("session_key", "_like")) + " ON " + s.table + " (" + q("session_key") + " varchar_pattern_ops)",
			"CREATE INDEX " + expiryIndex + " ON " + s.table + " (" + q("expire_date") + ")",
		}
	case MySQL:
		// One statement: MySQL commits after each, and half a table would stay.
		return []string{
			"CREATE TABLE " + s.table + " (" + q("session_key") + " varchar(40) NOT NULL PRIMARY KEY, " +
				q("session_data") + " longtext NOT NULL, " + q("expire_date") + " datetime(6) NOT NULL, " +
				"KEY " + expiryIndex + " (" + q("expire_date") + "))",
		}
	}
	// SQLite: an index is in the schema of its table, and is named with it.
	schema, table := "", s.name
	if i := strings.IndexByte(s.name, '.'); i >= 0 {
		schema, table = q(s.name[:i])+".", s.name[i+1:]
	}
	return []string{
		"CREATE TABLE " + s.table + " (" + q("session_key") + " varchar(40) NOT NULL PRIMARY KEY, " +
			q("session_data") + " text NOT NULL, " + q("expire_date") + " datetime NOT NULL)",
		"CREATE INDEX " + schema + expiryIndex + " ON " + q(table) + " (" + q("expire_date") + ")",
	}
}

// indexName is the schema editor's _create_index_name for one column.
func (s *Store) indexName(column, suffix string) string {
	table := s.name[strings.IndexByte(s.name, '.')+1:]
	digest := md5.Sum([]byte(table + column)) // a name, not a signature
	suffix = hex.EncodeToString(digest[:])[:8] + suffix
	name := table + "_" + column + "_" + suffix
	longest := s.dialect.MaxNameLength
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
