package sqltable

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/djsess/djsess/internal/sqldialect"
)

// Keys returns which of some keys have rows. If now is not nil, it is the current time as a
// parameter, and only rows that end later count.
func (t *Table) Keys(ctx context.Context, op string, keys []string, now any) (map[string]bool, error) {
	there := map[string]bool{}
	err := t.some(ctx, op, "", keys, now, func(rows *sql.Rows) error {
		found, err := sqldialect.Texts(rows)
		for _, key := range found {
			there[key] = true
		}
		return err
	})
	return there, err
}

// ReadAll returns the rows of some keys, by key.
func (t *Table) ReadAll(ctx context.Context, op string, keys []string) (map[string]Row, error) {
	there := map[string]Row{}
	err := t.some(ctx, op, ", "+t.fields, keys, nil, func(rows *sql.Rows) error {
		found, err := scanRows(rows)
		for _, row := range found {
			there[row.Key] = row
		}
		return err
	})
	return there, err
}

// some selects the rows of some keys in as few statements as possible. MySQL's collations take other
// keys for these, so read may get rows of other keys, too.
func (t *Table) some(ctx context.Context, op, fields string, keys []string, now any, read func(*sql.Rows) error) error {
	for page := range slices.Chunk(keys, maxRows) {
		params, args := make([]string, len(page)), sqldialect.Args{}
		for i, key := range page {
			param := numbered("key", i)
			params[i], args[param] = ":"+param, key
		}
		text := "SELECT " + t.keyColumn + fields + " FROM " + t.Quoted + " WHERE " + t.keyColumn + " IN (" + strings.Join(params, ", ") + ")"
		if now != nil {
			text += " AND " + t.EndsAfter(":now")
			args["now"] = now
		}
		err := t.selected(ctx, t.Dialect.Compile(text), args, read)
		for _, key := range page {
			err = sqldialect.HideKey(err, key, t.config.ShortKey(key))
		}
		if err != nil {
			return t.Fail(ctx, op, "", err)
		}
	}
	return nil
}

// selected runs a statement within the time limit of a read. The error is the driver's, and the
// limit's if that was reached.
func (t *Table) selected(ctx context.Context, stmt sqldialect.Statement, args sqldialect.Args, read func(*sql.Rows) error) error {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	err := t.Dialect.Retry(func() error {
		rows, err := t.DB.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
		if err != nil {
			return err
		}
		if err := read(rows); err != nil {
			return err
		}
		t.Writer.Answered()
		return nil
	})
	return t.ended(ctx, err)
}

// scanRows returns rows of the key and the fields, and closes them.
func scanRows(rows *sql.Rows) (found []Row, err error) {
	defer rows.Close()
	for rows.Next() {
		var row Row
		if err := rows.Scan(append([]any{&row.Key}, row.fields()...)...); err != nil {
			return nil, err
		}
		found = append(found, row)
	}
	return found, rows.Err()
}
