package sqltable

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/internal/pagesize"
	"github.com/djsess/djsess/internal/sqldialect"
)

// Range is a part of a table.
type Range struct {
	// Prefix is the beginning of the keys.
	Prefix string
	// Now, if not nil, returns the current time as a parameter. Then only rows that end later
	// are read.
	Now func() any
	// Newest, if positive, is the number of rows to read. The rows that end last come first.
	Newest int
	// Column, if not empty, is a column of Config.Columns that must hold Value.
	Column string
	Value  any
	// Part and Parts are those of djsession.Range. Newest ignores them.
	Part, Parts int
}

// Scan yields the rows of a range in the order of their keys. It reads pages, each with its own
// statement: with an open cursor SQLite's writers, and so the site, would wait for the caller.
func (t *Table) Scan(ctx context.Context, r Range) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		part, err := t.part(ctx, r)
		if err != nil {
			yield(Row{}, err)
			return
		}
		limit, after := pagesize.First, ""
		for {
			rows, err := t.page(ctx, r, part, after, limit)
			if err != nil {
				yield(Row{}, err)
				return
			}
			if len(rows) > 0 && rows[len(rows)-1].Key == after {
				return // the column's type is not text, so the comparison with a text selects the same rows again
			}
			bytes := 0
			for _, row := range rows {
				bytes += len(row.Data.String)
				// MySQL's LIKE ignores case.
				if strings.HasPrefix(row.Key, r.Prefix) && !yield(row, nil) {
					return
				}
			}
			if len(rows) < limit || r.Newest > 0 {
				return
			}
			limit, after = pagesize.Next(limit, bytes), rows[len(rows)-1].Key
		}
	}
}

// Count returns the number of rows that end after a time. It has no time limit of its own: a large table takes minutes.
func (t *Table) Count(ctx context.Context, now any) (n int64, err error) {
	stmt := t.Dialect.Compile(fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE %s", t.Quoted, t.EndsAfter(":now")))
	err = t.DB.QueryRowContext(ctx, stmt.SQL, stmt.Bind(sqldialect.Args{"now": now})...).Scan(&n)
	if err != nil {
		err = t.Fail(ctx, "count", "", err)
	}
	return n, err
}

// page reads the rows whose keys follow after, within the time limit of a read.
func (t *Table) page(ctx context.Context, r Range, part between, after string, limit int) ([]Row, error) {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	rows, err := t.query(ctx, r, part, after, limit)
	if err != nil {
		return nil, t.Fail(ctx, "scan", "", sqldialect.HideKey(err, after, t.config.ShortKey(after)))
	}
	return rows, nil
}

func (t *Table) query(ctx context.Context, r Range, part between, after string, limit int) ([]Row, error) {
	key := t.keyColumn
	text := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s > :after", key, t.fields, t.Quoted, key)
	args := sqldialect.Args{"after": after}
	if r.Now != nil {
		text += " AND " + t.EndsAfter(":now")
		args["now"] = r.Now()
	}
	if r.Column != "" {
		text += " AND " + t.column(r.Column) + " = :value"
		args["value"] = r.Value
	}
	switch {
	case r.Prefix == "":
	case t.Dialect.PrefixByRange:
		text += fmt.Sprintf(" AND %s >= :prefix AND %s < :end", key, key)
		args["prefix"], args["end"] = r.Prefix, r.Prefix+string(rune(0x10ffff)) // after every other character
	case strings.ContainsAny(r.Prefix, `!%_\`):
		text += fmt.Sprintf(" AND %s LIKE :prefix ESCAPE '!'", key)
		args["prefix"] = likeEscaper.Replace(r.Prefix) + "%"
	default:
		text += fmt.Sprintf(" AND %s LIKE :prefix", key)
		args["prefix"] = r.Prefix + "%"
	}
	if r.Newest > 0 {
		text += fmt.Sprintf(" ORDER BY %s DESC LIMIT %d", t.expires, r.Newest)
	} else {
		text += part.condition(key, args) + fmt.Sprintf(" ORDER BY %s LIMIT %d", key, limit)
	}
	stmt := t.Dialect.Compile(text)
	rows, err := t.DB.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return nil, err
	}
	return scanRows(rows)
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
