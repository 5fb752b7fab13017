package sqltable

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/internal/scanning"
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
	// By is the order of the rows. Newest has its own.
	By Order
}

// Order is an order of rows.
type Order int

// ByExpiry puts the rows that end first first, and ByExpiryDown those that end last.
const (
	ByKey Order = iota
	ByExpiry
	ByExpiryDown
	// withoutExpiry are the rows whose expiry is NULL, which has no place in an order of times. No table
	// of Django's has them.
	withoutExpiry
)

// position is the place of the last row of a page. The next page follows it.
type position struct {
	key     string
	expires any // as a parameter; nil before the first row
}

// Scan yields the rows of a range in the order of Range.By. It reads pages, each with its own
// statement: with an open cursor SQLite's writers, and so the site, would wait for the caller.
func (t *Table) Scan(ctx context.Context, r Range) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		var err error
		if r.By != ByKey {
			err = t.checkExpiryIndex(ctx, "scan") // without it the database would sort the table for each page
		}
		var part between
		if err == nil {
			part, err = t.part(ctx, r)
		}
		if err != nil {
			yield(Row{}, err)
			return
		}
		limit, after := scanning.FirstPage, position{}
		for {
			rows, err := t.page(ctx, r, part, after, limit)
			if err != nil {
				yield(Row{}, err)
				return
			}
			if len(rows) > 0 && rows[len(rows)-1].Key == after.key {
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
				if r.Newest > 0 || r.Now != nil || r.By == ByKey || r.By == withoutExpiry {
					return
				}
				r.By, after = withoutExpiry, position{} // after all others, in both directions
				continue
			}
			last := rows[len(rows)-1]
			limit, after = scanning.NextPage(limit, bytes), position{last.Key, asParam(last.Expires)}
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

// page reads the rows that follow after, within the time limit of a read.
func (t *Table) page(ctx context.Context, r Range, part between, after position, limit int) ([]Row, error) {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	rows, err := t.query(ctx, r, part, after, limit)
	if err != nil {
		return nil, t.Fail(ctx, "scan", "", sqldialect.HideKey(err, after.key, t.config.ShortKey(after.key)))
	}
	return rows, nil
}

func (t *Table) query(ctx context.Context, r Range, part between, after position, limit int) ([]Row, error) {
	key := t.keyColumn
	follows, order := t.following(r.By, after)
	text := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s", key, t.fields, t.Quoted, follows)
	args := sqldialect.Args{"after": after.key, "at": after.expires}
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
		text += part.condition(key, args) + fmt.Sprintf(" ORDER BY %s LIMIT %d", order, limit)
	}
	stmt := t.Dialect.Compile(text)
	rows, err := t.DB.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return nil, err
	}
	return scanRows(rows)
}

// following returns the condition that a row follows a position, and the order of the rows. Two
// conditions on the time let each database use its index.
func (t *Table) following(by Order, after position) (condition, order string) {
	key, expires := t.keyColumn, t.expires
	switch by {
	case ByKey:
		return key + " > :after", key
	case withoutExpiry:
		return expires + " IS NULL AND " + key + " > :after", expires + ", " + key
	}
	than, direction := ">", ""
	if by == ByExpiryDown {
		than, direction = "<", " DESC"
	}
	order = expires + direction + ", " + key + direction
	if after.expires == nil {
		return expires + " IS NOT NULL", order
	}
	return fmt.Sprintf("%s %s= :at AND (%s %s :at OR %s %s :after)", expires, than, expires, than, key, than), order
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
