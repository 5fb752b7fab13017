package sqltable

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/djsess/djsess/internal/sqldialect"
)

// Written is a row that is written in one statement with others.
type Written struct {
	Key string
	New Version
	// Old is the version that New replaces. A new row has none.
	Old Version
	// Columns are the values of Config.Columns.
	Columns []any
}

// Limits of a statement. SQLite takes 32,766 parameters, and some MySQL servers a megabyte.
const (
	maxRows   = 500
	maxParams = 30_000
	maxBytes  = 768 << 10
)

// Batches divides rows into those of one statement each. The rows of a statement are sorted by key,
// so that two statements lock their rows in one order.
func (t *Table) Batches(rows []Written) iter.Seq[[]Written] {
	const columns = 5 // of a row besides Config.Columns
	limit := min(maxRows, maxParams/(columns+len(t.config.Columns)))
	return func(yield func([]Written) bool) {
		for len(rows) > 0 {
			n, bytes := 0, 0
			for n < min(limit, len(rows)) {
				bytes += len(rows[n].New.Data) + len(rows[n].Old.Data)
				if bytes > maxBytes && n > 0 {
					break
				}
				n++
			}
			batch := slices.Clone(rows[:n])
			slices.SortFunc(batch, func(a, b Written) int { return cmp.Compare(a.Key, b.Key) })
			if !yield(batch) {
				return
			}
			rows = rows[n:]
		}
	}
}

// numbered returns the name of a parameter of one of several rows.
func numbered(name string, row int) string { return name + "r" + strconv.Itoa(row) }

// list returns the parameters of a row, and adds their values to args.
func list(args sqldialect.Args, row int, names []string, values sqldialect.Args) []string {
	params := make([]string, len(names))
	for i, name := range names {
		param := numbered(name, row)
		params[i], args[param] = ":"+param, values[name]
	}
	return params
}

// InsertAll writes new rows, either all or none of them. again and the error are those of Insert.
func (t *Table) InsertAll(ctx context.Context, rows []Written) (again bool, err error) {
	ctx, cancel := t.LimitWrite(ctx)
	defer cancel()
	columns, names := t.inserted()
	args := sqldialect.Args{}
	lists := make([]string, len(rows))
	for i, row := range rows {
		values := withColumns(Args(row.Key, &row.New, nil), row.Columns)
		lists[i] = "(" + strings.Join(list(args, i, names, values), ", ") + ")"
	}
	stmt := t.Dialect.Compile("INSERT INTO " + t.Quoted + " (" + strings.Join(columns, ", ") + ") VALUES " + strings.Join(lists, ", "))
	_, again, err = t.Writer.ExecAgain(ctx, stmt, args)
	return again, t.ended(ctx, err)
}

// Replaced is which rows a ReplaceAll has changed.
type Replaced struct {
	rows int
	keys map[string]bool // nil if the database returns only their number
}

// ReplaceAll writes each row that still holds its old version. If the database rolls the statement
// back because of another one, ReplaceAll sends it again. The error is the driver's. Then no row
// was changed, unless the answer was lost.
func (t *Table) ReplaceAll(ctx context.Context, rows []Written) (r Replaced, err error) {
	ctx, cancel := t.LimitWrite(ctx)
	defer cancel()
	stmt, args := t.replaceAll(rows)
	err = t.Dialect.Retry(func() error {
		if t.Dialect.IsMySQL {
			n, err := t.Writer.Exec(ctx, stmt, args)
			r.rows = int(n)
			return err
		}
		keys, err := t.Writer.Query(ctx, stmt, args)
		r = Replaced{len(keys), map[string]bool{}}
		for _, key := range keys {
			r.keys[key] = true
		}
		return err
	})
	return r, t.ended(ctx, err)
}

func (t *Table) replaceAll(rows []Written) (sqldialect.Statement, sqldialect.Args) {
	d := t.Dialect
	names := []string{"key", "old", "seen", "data", "expires"}
	like := []string{t.keyColumn, t.data, d.ReadTime(t.expires), t.data, t.expires}
	set := []string{t.set(t.config.Data, 4), t.set(t.config.Expires, 5)}
	for i, column := range t.config.Columns {
		if !column.OnlyInserted {
			names, like = append(names, columnParam(i)), append(like, t.column(column.Name))
			set = append(set, t.set(column.Name, len(names)))
		}
	}
	args := sqldialect.Args{}
	lists := make([][]string, len(rows))
	for i, row := range rows {
		lists[i] = list(args, i, names, withColumns(Args(row.Key, &row.New, &row.Old), row.Columns))
	}
	given := "(" + d.Rows(t.Quoted, like, lists) + ") AS given"
	unchanged := d.Exact(t.keyColumn, "given.column1") + " AND " + d.Exact(t.data, "given.column2") + " AND " + d.SameTime(t.expires, "given.column3")
	if d.IsMySQL {
		return d.Compile("UPDATE " + t.Quoted + " JOIN " + given + " ON " + unchanged + " SET " + strings.Join(set, ", ")), args
	}
	return d.Compile("UPDATE " + t.Quoted + " SET " + strings.Join(set, ", ") + " FROM " + given +
		" WHERE " + unchanged + " RETURNING " + t.keyColumn), args
}

// set returns the assignment of a column of the given rows.
func (t *Table) set(name string, given int) string {
	to := t.Dialect.QuoteName(name)
	if t.Dialect.IsMySQL {
		to = t.column(name) // in a join
	}
	return to + " = given.column" + strconv.Itoa(given)
}

// FailAll is Fail for a statement of several rows, whose keys the error may hold.
func (t *Table) FailAll(ctx context.Context, op string, rows []Written, err error) error {
	for _, row := range rows {
		err = sqldialect.HideKey(err, row.Key, t.config.ShortKey(row.Key))
	}
	return t.Fail(ctx, op, "", err)
}
