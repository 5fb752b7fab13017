// Package sqltable reads and writes the two tables of Django's that hold sessions:
// django_session of the engine db, and that of a cache in the database. Both have a column
// for the key, one for the data as text and one for the time at which the row ends.
//
// It works on rows and does not know what the data mean. Package sqldialect, below it, knows
// the differences between the databases.
package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// Config describes a table.
type Config struct {
	// DB is the database. It may be nil until the first statement.
	DB *sql.DB
	// Vendor is the kind of database, by Django's connection.vendor.
	Vendor string
	// Name is the table's name, or schema.table.
	Name string
	// Key, Data and Expires are the names of the three columns.
	Key, Data, Expires string
	// Columns are further columns that are written.
	Columns []Column
	// Settings are the site's. The table does not keep their secrets.
	Settings *djsession.Settings
	// TimeZone is DATABASES[…]["TIME_ZONE"]; "" is UTC.
	TimeZone string
	// Timeout limits a read, as dbstore.Config.Timeout says. 0 is the default limit.
	Timeout time.Duration
	// TimeSlack is how much the time in a row may differ from the time that was written,
	// because the column rounds it.
	TimeSlack time.Duration

	// Package is the package of the store, for its errors.
	Package string
	// ShortKey shortens a key for errors.
	ShortKey func(key string) string
	// Form is the form of the data, for a PayloadError.
	Form djsession.Form
	// NoTableHint says how to create the table. It is the hint of an ErrNoTable.
	NoTableHint string
	// ColumnHint is the remedy if a column is missing, or needs a value.
	ColumnHint string
}

// Column is a column besides those for the key, the data and the time.
type Column struct {
	Name string
	// OnlyInserted: an update does not write it.
	OnlyInserted bool
}

// Table is a table of sessions, or of a cache's items. It is safe for use by several
// goroutines.
type Table struct {
	DB       *sql.DB
	Writer   *sqldialect.Writer
	Dialect  *sqldialect.Dialect
	Location *time.Location // of naive times
	Name     string         // as the site spells it
	Quoted   string
	Timeout  time.Duration

	config Config
	useTZ  bool
	fields string // the columns that are selected for a Row, except the key
	key    string // the condition that a row has the key :key
	// The columns with their table, for conditions and for reading.
	keyColumn, data, expires string

	read, insert, replace, overwrite, delete, deleteUnchanged sqldialect.Statement
}

// New returns a table. It sends nothing to the database.
func New(c Config) (*Table, error) {
	d, err := sqldialect.ByVendor(c.Vendor)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Package, err)
	}
	if c.Settings == nil {
		return nil, fmt.Errorf("%s: Settings are missing", c.Package)
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, err
	}
	if err := sqldialect.CheckTable(c.Name); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Package, err)
	}
	location, err := locationOf(c)
	if err != nil {
		return nil, err
	}
	t := &Table{
		DB: c.DB, Writer: d.NewWriter(c.DB), Dialect: d, Location: location,
		Name: c.Name, Quoted: d.Quote(c.Name), Timeout: waitlimit.OrDefault(c.Timeout), useTZ: c.Settings.UseTZ,
	}
	t.keyColumn, t.data, t.expires = t.column(c.Key), t.column(c.Data), t.column(c.Expires)
	t.fields = d.ReadBounded(t.data, c.Settings.MaxStoredSize()) + ", " + d.ReadTime(t.expires)
	c.Settings = nil // it holds secrets
	t.config = c
	t.compile()
	return t, nil
}

// locationOf returns the zone of the naive times in a table.
func locationOf(c Config) (*time.Location, error) {
	switch {
	case !c.Settings.UseTZ && c.TimeZone != "":
		return nil, fmt.Errorf("%s: TimeZone cannot be set when USE_TZ is off: the times are then in TIME_ZONE", c.Package)
	case !c.Settings.UseTZ:
		return c.Settings.Location()
	case c.TimeZone == "":
		return time.UTC, nil
	}
	location, err := pytime.Location(c.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("%s: TimeZone: %w", c.Package, err)
	}
	return location, nil
}

// compile prepares the statements. Each write compares and writes in one statement, so that no
// other write can come in between.
func (t *Table) compile() {
	d := t.Dialect
	t.key = d.Exact(t.keyColumn, ":key")
	unchanged := t.key + " AND " + d.Exact(t.data, ":old") + " AND " + t.SameTime()
	t.read = d.Compile(t.Select())
	columns, names := t.inserted()
	t.insert = d.Compile("INSERT INTO " + t.Quoted + " (" + strings.Join(columns, ", ") + ") VALUES (:" + strings.Join(names, ", :") + ")")
	t.replace = d.Compile(t.Update() + unchanged)
	t.overwrite = d.Compile(t.Update() + t.key)
	t.delete = d.Compile("DELETE FROM " + t.Quoted + " WHERE " + t.key)
	t.deleteUnchanged = d.Compile("DELETE FROM " + t.Quoted + " WHERE " + unchanged)
}

// inserted returns the quoted columns of a new row, and the names of their parameters.
func (t *Table) inserted() (columns, names []string) {
	c, d := t.config, t.Dialect
	columns, names = []string{d.QuoteName(c.Key), d.QuoteName(c.Data), d.QuoteName(c.Expires)}, []string{"key", "data", "expires"}
	for i, column := range c.Columns {
		columns, names = append(columns, d.QuoteName(column.Name)), append(names, columnParam(i))
	}
	return columns, names
}

// column returns the quoted name of a column after that of its table. Without the table, SQLite
// takes an unknown quoted name for a text, and a misnamed column would be no error.
func (t *Table) column(name string) string { return t.Quoted + "." + t.Dialect.QuoteName(name) }

// SchemaAndName returns the two parts of the table's name, for the database's own tables. In SQLite
// the schema is main by default, and in MySQL "" is the database of the connection.
func (t *Table) SchemaAndName() (schema, name string) {
	schema, name, found := strings.Cut(t.Name, ".")
	switch {
	case found:
		return schema, name
	case t.Dialect == sqldialect.SQLite:
		return "main", schema
	}
	return "", schema
}

// columnParam is the parameter of a column of Config.Columns.
func columnParam(i int) string { return "column" + strconv.Itoa(i) }

// Select returns the text of a statement that reads the row of :key. More conditions may follow.
func (t *Table) Select() string {
	return "SELECT " + t.fields + " FROM " + t.Quoted + " WHERE " + t.key
}

// Update returns the text of a statement that writes :data, :expires and the further columns. A
// condition must follow.
func (t *Table) Update() string {
	d := t.Dialect
	text := fmt.Sprintf("UPDATE %s SET %s = :data, %s = :expires", t.Quoted, d.QuoteName(t.config.Data), d.QuoteName(t.config.Expires))
	for i, column := range t.config.Columns {
		if !column.OnlyInserted {
			text += ", " + d.QuoteName(column.Name) + " = :" + columnParam(i)
		}
	}
	return text + " WHERE "
}

// HasKey returns the condition that a row has the key :key.
func (t *Table) HasKey() string { return t.key }

// SameTime returns the condition that a row ends at :seen, a time that was read before.
func (t *Table) SameTime() string { return t.Dialect.SameTime(t.expires, ":seen") }

// EndsAfter returns the condition that a row ends later than a parameter.
func (t *Table) EndsAfter(param string) string { return t.expires + " > " + param }

// Limit returns a context for a read.
func (t *Table) Limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return waitlimit.Context(ctx, t.Timeout)
}

// LimitWrite returns a context for a write.
func (t *Table) LimitWrite(ctx context.Context) (context.Context, context.CancelFunc) {
	return waitlimit.ForWrite(ctx, t.Timeout)
}

// AsSent returns the instant that the table holds after Django has written the instant at. With
// USE_TZ off Django sends the wall clock, and PostgreSQL turns it into an instant. When clocks
// are put back and a wall clock time occurs twice, PostgreSQL takes the later instant.
func (t *Table) AsSent(at time.Time) time.Time {
	if !t.useTZ && !t.Dialect.NaiveTimes {
		return pytime.Later(at, t.Location)
	}
	return at
}

// Param returns an instant as a parameter of a statement.
func (t *Table) Param(at time.Time) any { return t.Dialect.TimeParam(at, t.Location) }

// CheckExpiry returns an ErrInvalidExpiry for a time that Python's datetime cannot hold.
func (t *Table) CheckExpiry(at time.Time) error {
	if y := at.In(t.Location).Year(); y < 1 || y > 9999 {
		return fmt.Errorf("expiry in the year %d: %w", y, djsession.ErrInvalidExpiry)
	}
	return nil
}

// QueryRow reads one row. The statement must begin with Select. If there is no such row, the
// error is an ErrNotFound.
func (t *Table) QueryRow(ctx context.Context, op, key string, stmt sqldialect.Statement, args sqldialect.Args) (Row, error) {
	ctx, cancel := t.Limit(ctx)
	defer cancel()
	row := Row{Key: key}
	bound := stmt.Bind(args)
	err := t.Dialect.Retry(func() error { return t.DB.QueryRowContext(ctx, stmt.SQL, bound...).Scan(row.fields()...) })
	switch {
	case errors.Is(err, sql.ErrNoRows):
		t.Writer.Answered()
		return row, t.Error(op, key, djsession.ErrNotFound)
	case err != nil:
		return row, t.Fail(ctx, op, key, err)
	}
	t.Writer.Answered()
	return row, nil
}

// Read reads the row of a key.
func (t *Table) Read(ctx context.Context, op, key string) (Row, error) {
	return t.QueryRow(ctx, op, key, t.read, sqldialect.Args{"key": key})
}
