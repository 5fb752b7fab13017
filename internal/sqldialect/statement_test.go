package sqldialect

import (
	"fmt"
	"reflect"
	"testing"
)

func TestCompile(t *testing.T) {
	const text = "SELECT a FROM %s WHERE k = :key AND d > :now AND (k = :key)"
	args := Args{"key": "K", "now": 7}
	for _, c := range []struct {
		dialect    *Dialect
		table, sql string
		bound      []any
	}{
		{PostgreSQL, "t", `SELECT a FROM "t" WHERE k = $1 AND d > $2 AND (k = $1)`, []any{"K", 7}},
		{MySQL, "t", "SELECT a FROM `t` WHERE k = ? AND d > ? AND (k = ?)", []any{"K", 7, "K"}},
		{SQLite, "s.t", `SELECT a FROM "s"."t" WHERE k = ? AND d > ? AND (k = ?)`, []any{"K", 7, "K"}},
		{SQLite, `odd":key`, `SELECT a FROM "odd"":key" WHERE k = ? AND d > ? AND (k = ?)`, []any{"K", 7, "K"}},
		{MySQL, "odd`:now", "SELECT a FROM `odd``:now` WHERE k = ? AND d > ? AND (k = ?)", []any{"K", 7, "K"}},
	} {
		s := c.dialect.Compile(fmt.Sprintf(text, c.dialect.Quote(c.table)))
		if s.SQL != c.sql || !reflect.DeepEqual(s.Bind(args), c.bound) {
			t.Errorf("%s, %v", s.SQL, s.Bind(args))
		}
	}
}
