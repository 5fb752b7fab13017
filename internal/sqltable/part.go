package sqltable

import (
	"context"
	"strconv"

	"github.com/djsess/djsess/internal/sqldialect"
)

// Django's keys are random characters of these, in the order of most collations. Bounds of
// boundLength characters divide them.
const (
	keyAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	boundLength = 3
)

// bound returns the text with which a part begins. Part 0 also has the keys before it.
func bound(part, parts int) string {
	all := 1
	for range boundLength {
		all *= len(keyAlphabet)
	}
	text := make([]byte, boundLength)
	for i, n := boundLength-1, all*part/parts; i >= 0; i, n = i-1, n/len(keyAlphabet) {
		text[i] = keyAlphabet[n%len(keyAlphabet)]
	}
	return string(text)
}

// between is a part of a table by the bounds of its keys. "" is no bound.
type between struct{ from, before string }

// part returns the bounds of the part of a range. The parts divide the keys with the prefix of the
// range. The database compares in the collation of the column, so that it can use the index. So the
// database also sorts the bounds: in Danish aa comes after z, and in Lithuanian y before k. Unsorted
// bounds would leave a key out, or put it into two parts.
func (t *Table) part(ctx context.Context, r Range) (between, error) {
	if r.Parts < 2 || r.Newest > 0 {
		return between{}, nil
	}
	// The column comes first in the union, because the union has the collation of its column. A
	// parameter has none.
	var bounds [][]string
	args := sqldialect.Args{}
	for i := 1; i < r.Parts; i++ {
		param := "bound" + strconv.Itoa(i)
		bounds = append(bounds, []string{":" + param})
		args[param] = r.Prefix + bound(i, r.Parts)
	}
	text := "SELECT " + t.keyColumn + " FROM " + t.Quoted + " WHERE 1 = 0 UNION ALL " + t.Dialect.Rows(bounds) + " ORDER BY 1"
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	sorted, err := t.texts(ctx, t.Dialect.Compile(text), args)
	if err != nil {
		return between{}, t.Fail(ctx, "scan", "", err)
	}
	var b between
	if r.Part > 0 {
		b.from = sorted[r.Part-1]
	}
	if r.Part < len(sorted) {
		b.before = sorted[r.Part]
	}
	return b, nil
}

// texts returns the rows of a statement that selects one text.
func (t *Table) texts(ctx context.Context, stmt sqldialect.Statement, args sqldialect.Args) ([]string, error) {
	rows, err := t.DB.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}

// condition returns the condition that a key is between the bounds, and adds its parameters.
func (b between) condition(key string, args sqldialect.Args) (text string) {
	if b.from != "" {
		text += " AND " + key + " >= :from"
		args["from"] = b.from
	}
	if b.before != "" {
		text += " AND " + key + " < :before"
		args["before"] = b.before
	}
	return text
}
