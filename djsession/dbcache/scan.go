package dbcache

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Scan yields the items by key, those that have ended and are still there, too. It
// reads them in pages, each in a statement of its own: an open cursor would keep
// SQLite's writers, and so the site, waiting for whoever reads the output.
func (c *Cache) Scan(ctx context.Context, prefix string) iter.Seq2[*cachestore.Entry, error] {
	return func(yield func(*cachestore.Entry, error) bool) {
		limit, after := sqldialect.FirstPage, ""
		for {
			rows, err := c.page(ctx, prefix, after, limit)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) > 0 && rows[len(rows)-1].key == after {
				return // keys of another type, which no text is behind
			}
			bytes := 0
			for _, row := range rows {
				bytes += len(row.value.String)
				if !c.yieldRow(prefix, row, yield) {
					return
				}
			}
			if len(rows) < limit {
				return
			}
			limit, after = sqldialect.NextPage(limit, bytes), rows[len(rows)-1].key
		}
	}
}

func (c *Cache) yieldRow(prefix string, row keyedRow, yield func(*cachestore.Entry, error) bool) bool {
	if !strings.HasPrefix(row.key, prefix) {
		return true // MySQL's LIKE ignores case
	}
	item, err := c.item(row.row)
	if err != nil {
		err = wrap("scan", row.key, err)
	}
	return yield(&cachestore.Entry{Key: row.key, Name: row.key, Item: item}, err)
}

type keyedRow struct {
	key string
	row
}

// page reads the rows that follow after.
func (c *Cache) page(ctx context.Context, prefix, after string, limit int) ([]keyedRow, error) {
	ctx, cancel := waitlimit.Context(ctx, c.timeout)
	defer cancel()
	page, err := c.rows(ctx, prefix, after, limit)
	if err != nil {
		return nil, c.fail(ctx, "scan", "", sqldialect.HideKey(err, after, cachestore.ShortKey(after)))
	}
	return page, nil
}

func (c *Cache) rows(ctx context.Context, prefix, after string, limit int) ([]keyedRow, error) {
	text := "SELECT cache_key, " + c.itemColumns() + " FROM " + c.table + " WHERE cache_key > :after"
	args := sqldialect.Args{"after": after}
	switch {
	case prefix == "":
	case c.dialect.PrefixByRange:
		text += " AND cache_key >= :prefix AND cache_key < :end"
		args["prefix"], args["end"] = prefix, prefix+string(rune(0x10ffff)) // after every other character
	default:
		text += " AND cache_key LIKE :prefix ESCAPE '!'"
		args["prefix"] = likeEscaper.Replace(prefix) + "%"
	}
	stmt := c.dialect.Compile(fmt.Sprintf("%s ORDER BY cache_key LIMIT %d", text, limit))
	rows, err := c.db.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []keyedRow
	for rows.Next() {
		var r keyedRow
		if err := rows.Scan(append([]any{&r.key}, r.dst()...)...); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

var likeEscaper = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")
