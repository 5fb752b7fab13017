// Package sqldialect holds the differences between PostgreSQL, MySQL and SQLite:
// placeholders, quoting, exact comparison, times and error classes. Its Writer sends each
// statement that changes something once. Package sqltable builds on it.
package sqldialect

import (
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/internal/pytime"
)

// Dialect is one kind of database.
type Dialect struct {
	// Vendor is Django's connection.vendor.
	Vendor string
	// NumberedParams is true for $1, $2 and false for ?.
	NumberedParams bool
	// QuoteChar goes around identifiers.
	QuoteChar string
	// MaxNameLength is the longest name of an index. For a database without a limit it is
	// 200, as in Django.
	MaxNameLength int
	// NaiveTimes is true if times are stored as wall clock times without a zone.
	NaiveTimes bool
	// ChangedRows is true if an update that writes the values that are there may report
	// that it affected no row.
	ChangedRows bool
	// PrefixByRange is true if a prefix must be searched by a range, because LIKE ignores
	// case and cannot use an index.
	PrefixByRange bool
	// IsMySQL is true for the statements that MySQL spells in its own way: an update that joins,
	// which returns no rows, and rows of parameters, for which MySQL and MariaDB have no common
	// VALUES.
	IsMySQL bool

	byteLength string // of text column %s
	sameTime   string // compares time column %[1]s with parameter %[2]s, which ReadTime selected
	exact      string // compares column %[1]s with parameter %[2]s byte for byte
	readTime   string // selects time column %s in a form that no driver converts
	timeLayout string // how a naive time is sent
	classify   func(error) Class
	answered   func(error) bool // reports whether the error is the database's answer to a statement
}

// PostgreSQL stores instants and compares text exactly.
var PostgreSQL = &Dialect{
	Vendor:         "postgresql",
	NumberedParams: true,
	QuoteChar:      `"`,
	MaxNameLength:  63,
	exact:          `%[1]s = %[2]s`,
	byteLength:     `octet_length(%s)`,
	sameTime:       `%[1]s = %[2]s`,
	readTime:       `%s`,
	classify:       classifyPostgreSQL,
	answered:       answeredPostgreSQL,
}

// MySQL is also MariaDB. Its collations ignore case and trailing spaces. So exact has two
// comparisons: the first finds the row by its index, and the second compares bytes.
var MySQL = &Dialect{
	Vendor:        "mysql",
	QuoteChar:     "`",
	MaxNameLength: 64,
	NaiveTimes:    true,
	ChangedRows:   true,
	IsMySQL:       true,
	exact:         `(%[1]s = %[2]s AND CAST(%[1]s AS BINARY) = CAST(%[2]s AS BINARY))`,
	byteLength:    `LENGTH(%s)`,
	sameTime:      `CAST(%[1]s AS CHAR) = %[2]s`,
	readTime:      `CAST(%s AS CHAR)`,
	timeLayout:    "2006-01-02 15:04:05.000000",
	classify:      classifyMySQL,
	answered:      answeredMySQL,
}

// SQLite stores times as text, and compares them as text.
var SQLite = &Dialect{
	Vendor:        "sqlite",
	QuoteChar:     `"`,
	MaxNameLength: 200,
	NaiveTimes:    true,
	PrefixByRange: true,
	exact:         `%[1]s = %[2]s`,
	byteLength:    `length(CAST(%s AS BLOB))`, // length of a text counts characters, and only up to a NUL
	sameTime:      `CAST(%[1]s AS TEXT) = %[2]s`,
	readTime:      `CAST(%s AS TEXT)`,
	classify:      classifySQLite,
	answered:      answeredSQLite,
}

// ByVendor returns the dialect of Django's connection.vendor.
func ByVendor(vendor string) (*Dialect, error) {
	known := []*Dialect{PostgreSQL, MySQL, SQLite}
	for _, d := range known {
		if d.Vendor == vendor {
			return d, nil
		}
	}
	return nil, fmt.Errorf("unknown dialect %q: want %q, %q or %q", vendor, known[0].Vendor, known[1].Vendor, known[2].Vendor)
}

// CheckTable returns an error for a name that Quote cannot take.
func CheckTable(name string) error {
	parts := strings.Split(name, ".")
	for _, part := range parts {
		if part == "" || strings.IndexByte(part, 0) >= 0 || len(parts) > 2 {
			return fmt.Errorf("table name %q: want table or schema.table", name)
		}
	}
	return nil
}

// CheckColumn returns an error for a name that QuoteName cannot take.
func CheckColumn(name string) error {
	if name == "" || strings.IndexByte(name, 0) >= 0 {
		return fmt.Errorf("column name %q: it is empty, or holds a NUL", name)
	}
	return nil
}

// Quote quotes a table name, which may be schema.table.
func (d *Dialect) Quote(table string) string {
	parts := strings.Split(table, ".")
	for i, part := range parts {
		parts[i] = d.QuoteName(part)
	}
	return strings.Join(parts, ".")
}

// QuoteName quotes the name of a column, or one part of a table's name.
func (d *Dialect) QuoteName(name string) string {
	return d.QuoteChar + strings.ReplaceAll(name, d.QuoteChar, d.QuoteChar+d.QuoteChar) + d.QuoteChar
}

// Exact returns a condition that compares text byte for byte.
func (d *Dialect) Exact(column, param string) string {
	return fmt.Sprintf(d.exact, column, param)
}

// SameTime returns a condition that a time column still has the value that ReadTime selected.
func (d *Dialect) SameTime(column, param string) string {
	return fmt.Sprintf(d.sameTime, column, param)
}

// Rows returns a query for rows of parameters, whose columns are column1, column2, …. They have the
// types and collations of expressions like, such as names of columns, over a quoted table.
// Parameters alone have none, and a comparison with a column would fail, or not use its index.
// The first parameter of a row is not null.
func (d *Dialect) Rows(table string, like []string, rows [][]string) string {
	lists := make([]string, len(rows))
	for i, row := range rows {
		lists[i] = strings.Join(row, ", ")
	}
	types := make([]string, len(like))
	if d.IsMySQL {
		for i, expression := range like {
			types[i] = fmt.Sprintf("%s AS column%d", expression, i+1)
		}
		return "SELECT " + strings.Join(types, ", ") + " FROM " + table + " WHERE 1 = 0 UNION ALL SELECT " + strings.Join(lists, " UNION ALL SELECT ")
	}
	for i, expression := range like {
		types[i] = "(SELECT " + expression + " FROM " + table + " WHERE 1 = 0)" // null
	}
	return "SELECT * FROM (VALUES (" + strings.Join(types, ", ") + "), (" + strings.Join(lists, "), (") + ")) AS listed WHERE column1 IS NOT NULL"
}

// ReadBounded returns the two expressions that select a text column: the text, or null if it is
// longer than limit, and its length in bytes.
func (d *Dialect) ReadBounded(column string, limit int) string {
	length := fmt.Sprintf(d.byteLength, column)
	return fmt.Sprintf("CASE WHEN %s <= %d THEN %s END, %s", length, limit, column, length)
}

// ReadTime returns the expression that selects a time column for ParseTime.
func (d *Dialect) ReadTime(column string) string { return fmt.Sprintf(d.readTime, column) }

// TimeParam returns the parameter for an instant. Loc is the zone of naive times.
func (d *Dialect) TimeParam(t time.Time, loc *time.Location) any {
	t = t.Truncate(time.Microsecond)
	if !d.NaiveTimes {
		return t.UTC()
	}
	layout := d.timeLayout
	if layout == "" { // str(datetime): a fraction only when there is one
		layout = "2006-01-02 15:04:05"
		if t.Nanosecond() != 0 {
			layout += ".000000"
		}
	}
	return pytime.Wall(t, loc).Format(layout)
}

// ParseTime is the reverse of TimeParam, for a value that ReadTime selected.
func (d *Dialect) ParseTime(value any, loc *time.Location) (time.Time, error) {
	var text string
	switch v := value.(type) {
	case time.Time:
		if !d.NaiveTimes {
			return nonZero(v), nil
		}
	case string:
		text = v
	case []byte:
		text = string(v)
	}
	t, naive, err := pytime.ParseISO(text)
	switch {
	case err != nil:
		return time.Time{}, err
	case naive:
		t = pytime.FromNaive(t, loc)
	}
	return nonZero(t), nil
}

// Infinity returns 1 or -1 for PostgreSQL's times infinity and -infinity, which drivers return as
// text, and 0 for others.
func (d *Dialect) Infinity(value any) int {
	text, _ := value.(string)
	if bytes, ok := value.([]byte); ok {
		text = string(bytes)
	}
	switch {
	case d.NaiveTimes:
		return 0
	case text == "infinity":
		return 1
	case text == "-infinity":
		return -1
	}
	return 0
}

// nonZero returns t in UTC. It never returns the zero Time, which stands for an unknown time:
// a row that ended at the first instant of the year 1 would seem not to end.
func nonZero(t time.Time) time.Time {
	if t.IsZero() {
		t = t.Add(time.Microsecond)
	}
	return t.UTC()
}
