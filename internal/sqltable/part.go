package sqltable

import (
	"context"
	"database/sql"
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
	var bounds [][]string
	args := sqldialect.Args{}
	for i := 1; i < r.Parts; i++ {
		param := "bound" + strconv.Itoa(i)
		bounds = append(bounds, []string{":" + param})
		args[param] = r.Prefix + bound(i, r.Parts)
	}
	text := t.Dialect.Rows(t.Quoted, []string{t.keyColumn}, bounds) + " ORDER BY column1"
	var sorted []string
	err := t.selected(ctx, t.Dialect.Compile(text), args, func(rows *sql.Rows) (err error) {
		sorted, err = sqldialect.Texts(rows)
		return err
	})
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
