package dbcache

import (
	"database/sql"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/sqltable"
)

// Any row is an item of bounded size or a PayloadError, and reading it takes memory in
// proportion to its size.
func FuzzRow(f *testing.F) {
	const limit = 1 << 16
	settings, err := djsession.NewSettings("5.2", "secret")
	if err != nil {
		f.Fatal(err)
	}
	settings.MaxPayloadSize = limit
	var caches []*Cache
	for _, dialect := range []dbstore.Dialect{dbstore.PostgreSQL, dbstore.MySQL, dbstore.SQLite} {
		c, err := New(Config{DB: new(sql.DB), Dialect: dialect, Table: "cache", Settings: settings})
		if err != nil {
			f.Fatal(err)
		}
		caches = append(caches, c)
	}
	for _, value := range []string{"gAR9lC4=", "", "=", "gAR9\nlC4=\n", "gAR9lC4", "\xff", "!!!!"} {
		for _, expires := range []string{"2031-02-03 04:05:06", "9999-12-31 23:59:59.999999", "0000-00-00 00:00:00", "2031-02-03T04:05:06+01:00", "", "x"} {
			f.Add(value, true, int64(len(value)), expires)
			f.Add("", false, int64(1<<40), expires)
		}
	}
	f.Fuzz(func(t *testing.T, value string, valid bool, length int64, expires string) {
		for _, c := range caches {
			for _, at := range []any{expires, []byte(expires), time.Unix(length, 0), nil} {
				r := sqltable.Row{
					Data:    sql.NullString{String: value, Valid: valid},
					Length:  sql.NullInt64{Int64: length, Valid: !valid && length > 0},
					Expires: at,
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				item, err := c.item(r)
				runtime.ReadMemStats(&after)
				if took := after.TotalAlloc - before.TotalAlloc; took > uint64(1<<20+8*len(value)) {
					t.Errorf("%d bytes of memory for %d", took, len(value))
				}
				var bad *djsession.PayloadError
				switch {
				case item == nil:
					t.Fatalf("no item, %v", err)
				case err != nil && (!errors.As(err, &bad) || item.Data != nil):
					t.Errorf("%d bytes, %v", len(item.Data), err)
				case err == nil && (len(item.Data) > limit || !valid):
					t.Errorf("%d bytes of a value that is null: %v", len(item.Data), !valid)
				case err == nil && item.Expires.IsZero():
					t.Errorf("%v: never ends", at)
				}
			}
		}
	})
}
