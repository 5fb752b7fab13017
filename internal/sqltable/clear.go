package sqltable

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

const (
	defaultClearLimit = 1000
	// maxClearLimit keeps the keys of a batch within the parameters that every database takes.
	maxClearLimit = 10_000
)

// ClearExpired removes the rows that have ended before a time: see djsession.ExpiredClearer.
//
// It walks along the index of the times, and never goes back to a time that it has passed. The
// database keeps the entries of deleted rows in the index for a while, and would otherwise read
// all of them again for each batch.
func (t *Table) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	return func(yield func(djsession.Cleared, error) bool) {
		if err := t.checkExpiryIndex(ctx, opClear); err != nil {
			yield(djsession.Cleared{}, err)
			return
		}
		before := t.Param(t.AsSent(r.Before))
		if r.DryRun {
			n, err := t.countEnded(ctx, before)
			yield(djsession.Cleared{Removed: n}, err)
			return
		}
		c := clearing{table: t, before: before}
		for {
			limit := defaultClearLimit
			if r.Limit != nil {
				limit = min(max(r.Limit(), 1), maxClearLimit)
			}
			cleared, last, err := c.batch(ctx, limit)
			if !yield(cleared, err) || err != nil || last {
				return
			}
		}
	}
}

const opClear = "clear expired"

// countEnded counts the rows that have ended before a time. Like Count it has no time limit.
func (t *Table) countEnded(ctx context.Context, before any) (n int, err error) {
	stmt := t.Dialect.Compile("SELECT COUNT(*) FROM " + t.Quoted + " WHERE " + t.expires + " < :before")
	err = t.DB.QueryRowContext(ctx, stmt.SQL, stmt.Bind(sqldialect.Args{"before": before})...).Scan(&n)
	if err != nil {
		return 0, t.Fail(ctx, opClear, "", err)
	}
	return n, nil
}

// clearing is one walk along the index.
type clearing struct {
	table  *Table
	before any
	// from is the time of the last row of the batch before, as the driver returned it, or nil. The
	// next batch begins with this time, since more rows may have it. kept are those of them that
	// could not be deleted.
	from any
	kept map[string]bool
}

// ended is a row that has ended.
type ended struct {
	key     string
	expires any
}

// batch deletes the next rows. last reports that there are no more.
func (c *clearing) batch(ctx context.Context, limit int) (cleared djsession.Cleared, last bool, err error) {
	want := limit + len(c.kept)
	found, err := c.find(ctx, want)
	if err != nil {
		return cleared, false, err
	}
	var rows []ended
	for _, row := range found {
		if !c.kept[row.key] {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return cleared, true, nil
	}
	deleted, referenced, err := c.table.deleteEnded(ctx, rows, c.before)
	cleared = djsession.Cleared{Removed: deleted, Referenced: len(referenced)}
	if err == nil && deleted+len(referenced) < len(rows) {
		err = c.table.checkGone(ctx, rows, referenced, c.before)
	}
	if err != nil {
		return cleared, false, err
	}
	if from := rows[len(rows)-1].expires; from != c.from {
		c.from, c.kept = from, map[string]bool{}
	}
	for _, row := range referenced {
		if row.expires == c.from {
			c.kept[row.key] = true
		}
	}
	return cleared, len(found) < want, nil
}

// find reads the keys of the next rows in the order of their times. It sorts by nothing else, so
// that every database takes the order of the index.
func (c *clearing) find(ctx context.Context, limit int) ([]ended, error) {
	t := c.table
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	text := fmt.Sprintf("SELECT %s, %s FROM %s WHERE %s < :before", t.keyColumn, t.Dialect.ReadTime(t.expires), t.Quoted, t.expires)
	if c.from != nil {
		text += " AND " + t.expires + " >= :from"
	}
	stmt := t.Dialect.Compile(text + fmt.Sprintf(" ORDER BY %s LIMIT %d", t.expires, limit))
	rows, err := t.DB.QueryContext(ctx, stmt.SQL, stmt.Bind(sqldialect.Args{"before": c.before, "from": c.from})...)
	if err != nil {
		return nil, t.Fail(ctx, opClear, "", err)
	}
	defer rows.Close()
	var found []ended
	for rows.Next() {
		var row ended
		if err := rows.Scan(&row.key, &row.expires); err != nil {
			return nil, t.Fail(ctx, opClear, "", err)
		}
		row.expires = asParam(row.expires)
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		return nil, t.Fail(ctx, opClear, "", err)
	}
	return found, nil
}

// asParam returns a time as the driver returned it in a form that can be compared, and sent back.
func asParam(expires any) any {
	switch seen := expires.(type) {
	case []byte:
		return string(seen)
	case time.Time:
		return seen.UTC()
	}
	return expires
}

// deleteEnded deletes rows that still have ended. If a foreign key forbids it, it deletes them one
// by one, and returns those that stay.
func (t *Table) deleteEnded(ctx context.Context, rows []ended, before any) (deleted int, referenced []ended, err error) {
	deleted, err = t.deleteKeys(ctx, rows, before)
	if !errors.Is(err, ErrForeignKey) {
		return deleted, nil, err
	}
	deleted = 0
	for i := range rows {
		n, err := t.deleteKeys(ctx, rows[i:i+1], before)
		switch {
		case errors.Is(err, ErrForeignKey):
			referenced = append(referenced, rows[i])
		case err != nil:
			return deleted, referenced, err
		}
		deleted += n
	}
	return deleted, referenced, nil
}

// deleteKeys deletes rows in one statement. The condition is checked again there: a session that
// was saved since the keys were read stays.
func (t *Table) deleteKeys(ctx context.Context, rows []ended, before any) (int, error) {
	ctx, cancel := t.LimitWrite(ctx)
	defer cancel()
	stmt, args := t.ofEnded("DELETE", rows, before)
	n, _, err := t.Writer.ExecAgain(ctx, stmt, args)
	if err != nil {
		return 0, t.failOf(ctx, rows, err)
	}
	return int(n), nil
}

// checkGone returns an ErrRefused if rows that were deleted are there, and still have ended: a
// policy or a trigger keeps them. Otherwise other writers have deleted or saved them.
func (t *Table) checkGone(ctx context.Context, rows, referenced []ended, before any) error {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	stmt, args := t.ofEnded("SELECT COUNT(*)", rows, before)
	var n int
	if err := t.DB.QueryRowContext(ctx, stmt.SQL, stmt.Bind(args)...).Scan(&n); err != nil {
		return t.failOf(ctx, rows, err)
	}
	if n > len(referenced) {
		return t.Error(opClear, "", ErrRefused)
	}
	return nil
}

// ofEnded returns a statement on those of the rows that still have ended.
func (t *Table) ofEnded(verb string, rows []ended, before any) (sqldialect.Statement, sqldialect.Args) {
	params, args := make([]string, len(rows)), sqldialect.Args{"before": before}
	for i, row := range rows {
		name := "key" + strconv.Itoa(i)
		params[i], args[name] = ":"+name, row.key
	}
	return t.Dialect.Compile(fmt.Sprintf("%s FROM %s WHERE %s IN (%s) AND %s < :before",
		verb, t.Quoted, t.keyColumn, strings.Join(params, ", "), t.expires)), args
}

// failOf is Fail for a statement on many rows.
func (t *Table) failOf(ctx context.Context, rows []ended, err error) error {
	for _, row := range rows {
		err = sqldialect.HideKey(err, row.key, t.config.ShortKey(row.key))
	}
	return t.Fail(ctx, opClear, "", err)
}
