package dbstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sqldialect"
)

// pageSize is how many rows are read at a time.
const pageSize = 500

// Scan yields the sessions of a range by key. It reads them in pages, each in a
// statement of its own: an open cursor would keep SQLite's writers, and so
// the site, waiting for whoever reads the output.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		if strings.IndexFunc(r.Prefix, notAlphanumeric) >= 0 {
			yield(nil, fmt.Errorf("dbstore: scan: prefix: %w: it holds more than letters and digits", djsession.ErrInvalidKey))
			return
		}
		for after := ""; ; {
			rows, err := s.page(ctx, r, after)
			if err != nil {
				yield(nil, fmt.Errorf("dbstore: scan: %w", s.classified(err)))
				return
			}
			for _, row := range rows {
				if !s.yieldRow(r, row, yield) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
			after = rows[len(rows)-1].key
		}
	}
}

func notAlphanumeric(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

func (s *Store) yieldRow(r djsession.Range, row row, yield func(*djsession.Record, error) bool) bool {
	if !strings.HasPrefix(row.key, r.Prefix) {
		return true // MySQL's LIKE ignores case
	}
	record, err := s.record(row.key, row.data, row.expires)
	if err == nil {
		return yield(record, nil)
	}
	var payload *djsession.PayloadError
	if !errors.As(err, &payload) {
		err = &djsession.PayloadError{Err: fmt.Errorf("%w: %w", djsession.ErrMalformed, err)}
		record = &djsession.Record{Key: row.key}
	}
	return yield(record, wrap("scan", row.key, err))
}

type row struct {
	key, data string
	expires   any
}

// page reads the rows that follow after.
func (s *Store) page(ctx context.Context, r djsession.Range, after string) ([]row, error) {
	d := s.dialect
	text := "SELECT session_key, session_data, " + d.ReadTime("expire_date") + " FROM " + s.table +
		" WHERE session_key > :after"
	if !r.Expired {
		text += " AND expire_date > :now"
	}
	args := sqldialect.Args{"after": after, "now": d.TimeParam(s.settings.Now(), s.loc)}
	switch {
	case r.Prefix == "":
	case d.PrefixByRange:
		text += " AND session_key >= :prefix AND session_key < :end"
		args["prefix"], args["end"] = r.Prefix, r.Prefix+"\x7f" // after every letter and digit
	default:
		text += " AND session_key LIKE :prefix"
		args["prefix"] = r.Prefix + "%"
	}
	stmt := d.Compile(fmt.Sprintf("%s ORDER BY session_key LIMIT %d", text, pageSize))
	rows, err := s.db.QueryContext(ctx, stmt.SQL, stmt.Bind(args)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.key, &r.data, &r.expires); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}
