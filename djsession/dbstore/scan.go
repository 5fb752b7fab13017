package dbstore

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Scan yields the sessions of a range in the order of their keys, or with Range.Newest in
// that of expire_date, the last first. It reads them in pages, each in a statement of its own: an open cursor would keep SQLite's writers, and so
// the site, waiting for whoever reads the output.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		if strings.IndexFunc(r.Prefix, notAlphanumeric) >= 0 {
			yield(nil, fmt.Errorf("dbstore: scan: prefix: %w: it holds more than letters and digits", djsession.ErrInvalidKey))
			return
		}
		if r.Newest > 0 {
			rows, err := s.newest(ctx, r)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, row := range rows {
				if !s.yieldRow(r, row, yield) {
					return
				}
			}
			return
		}
		limit, after := sqldialect.FirstPage, ""
		for {
			rows, err := s.page(ctx, r, after, limit)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(rows) > 0 && rows[len(rows)-1].key == after {
				return // keys of another type, which no text is behind
			}
			bytes := 0
			for _, row := range rows {
				bytes += len(row.data.String)
				if !s.yieldRow(r, row, yield) {
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

func notAlphanumeric(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

func (s *Store) yieldRow(r djsession.Range, row keyedRow, yield func(*djsession.Record, error) bool) bool {
	if !strings.HasPrefix(row.key, r.Prefix) {
		return true // MySQL's LIKE ignores case
	}
	record, err := s.record(row.key, row.row)
	if err == nil {
		return yield(record, nil)
	}
	return yield(record, wrap("scan", row.key, err))
}

type keyedRow struct {
	key string
	row
}

// page reads the rows that follow after.
func (s *Store) page(ctx context.Context, r djsession.Range, after string, limit int) ([]keyedRow, error) {
	return s.rows(ctx, r, after, fmt.Sprintf("session_key LIMIT %d", limit))
}

// newest reads the rows with the latest expire_date, which has an index.
func (s *Store) newest(ctx context.Context, r djsession.Range) ([]keyedRow, error) {
	return s.rows(ctx, r, "", fmt.Sprintf("expire_date DESC LIMIT %d", r.Newest))
}

// rows reads rows within the store's time limit.
func (s *Store) rows(ctx context.Context, r djsession.Range, after, order string) ([]keyedRow, error) {
	ctx, cancel := waitlimit.Context(ctx, s.timeout)
	defer cancel()
	rows, err := s.selectRows(ctx, r, after, order)
	if err != nil {
		return nil, s.fail(ctx, "scan", "", err)
	}
	return rows, nil
}

func (s *Store) selectRows(ctx context.Context, r djsession.Range, after, order string) ([]keyedRow, error) {
	d := s.dialect
	text := "SELECT session_key, " + s.rowColumns() + " FROM " + s.table + " WHERE session_key > :after"
	if !r.Expired {
		text += " AND expire_date > :now"
	}
	args := sqldialect.Args{"after": after, "now": s.now()}
	switch {
	case r.Prefix == "":
	case d.PrefixByRange:
		text += " AND session_key >= :prefix AND session_key < :end"
		args["prefix"], args["end"] = r.Prefix, r.Prefix+"\x7f" // after every letter and digit
	default:
		text += " AND session_key LIKE :prefix"
		args["prefix"] = r.Prefix + "%"
	}
	stmt := d.Compile(text + " ORDER BY " + order)
	rows, err := s.db.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
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
