package dbstore

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/fieldvalue"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/sqltable"
)

// Model describes the site's session model. The zero Model is Django's own. A subclass of
// AbstractBaseSession has another table and more columns. The site's SessionStore fills these
// columns, and so has the store to: see [ModelNamed] for those of well-known packages.
//
//	dbstore.Model{
//		Table:   "accounts_customsession",
//		Columns: []dbstore.Column{dbstore.FromValue("account_id", "_auth_user_id", dbstore.Integer)},
//	}
type Model struct {
	// Table is Meta.db_table, or schema.table. Default: [DefaultTable].
	Table string
	// KeyColumn, DataColumn and ExpiryColumn are the columns of the fields of
	// AbstractBaseSession. Default: "session_key", "session_data" and "expire_date".
	KeyColumn, DataColumn, ExpiryColumn string
	// Columns are the columns that the model adds. A column that is not in this list is not
	// written: it keeps its value in an update, and gets the database's default in a new row.
	Columns []Column
	// CacheKeyPrefix is the attribute cache_key_prefix of the SessionStore, if that is a
	// subclass of cached_db. Default: Django's.
	CacheKeyPrefix string

	needsTable bool // the table's name depends on the site
}

// Column is a column that the site's session model adds, and what is written into it.
type Column struct {
	name    string
	kind    columnKind
	value   string // the name of a session value
	as      FieldType
	content any // of a constant; or what is written if the session has no such value
}

type columnKind int

const (
	kindValue columnKind = iota
	kindNow
	kindCreated
	kindConstant
)

// FieldType is the type of a model's field.
type FieldType int

const (
	// Integer is IntegerField, and a ForeignKey to a model with Django's default primary key.
	Integer = FieldType(fieldvalue.Integer)
	// UUID is UUIDField, and a ForeignKey to a model that has one as its primary key.
	UUID = FieldType(fieldvalue.UUID)
	// Text is CharField or TextField.
	Text = FieldType(fieldvalue.Text)
	// IP is GenericIPAddressField.
	IP = FieldType(fieldvalue.IP)
)

// FromValue returns a column that gets a value of the session with each save, such as
// "_auth_user_id". If the session does not have the value, or if it cannot be converted to the
// type, the column gets NULL.
func FromValue(name, value string, as FieldType) Column {
	return Column{name: name, kind: kindValue, value: value, as: as}
}

// Or returns a column as FromValue does, but with a constant in place of NULL.
func (c Column) Or(constant any) Column {
	c.content = constant
	return c
}

// Now returns a column that gets the current time with each save: DateTimeField(auto_now=True).
func Now(name string) Column { return Column{name: name, kind: kindNow} }

// Created returns a column that gets the current time in a new row, and then keeps it:
// DateTimeField(auto_now_add=True).
func Created(name string) Column { return Column{name: name, kind: kindCreated} }

// Constant returns a column that gets a constant in a new row, and then keeps what is in it: a
// string, an integer, a float, a bool, or nil for NULL.
func Constant(name string, value any) Column {
	return Column{name: name, kind: kindConstant, content: value}
}

// Null returns a column that is NULL in a new row, and then keeps what is in it: for what only the
// site knows, such as the IP address of its visitor.
func Null(name string) Column { return Constant(name, nil) }

// Name returns the name of the column.
func (c Column) Name() string { return c.name }

// readyModels are the models that ModelNamed knows.
var readyModels = map[string]Model{
	// The example of Django's manual, "Extending database-backed session engines".
	"account_id": {
		Columns:    []Column{FromValue("account_id", "_auth_user_id", Integer)},
		needsTable: true,
	},
	"user_sessions": {
		Table:   "user_sessions_session",
		Columns: []Column{FromValue("user_id", "_auth_user_id", Integer), Now("last_activity"), Null("user_agent"), Null("ip")},
	},
	"qsessions": {
		Table: "qsessions_session",
		Columns: []Column{
			FromValue("user_id", "_auth_user_id", Integer), Now("updated_at"), Created("created_at"),
			FromValue("user_agent", "_qsessions_user_agent", Text), FromValue("ip", "_qsessions_ip", IP),
		},
		CacheKeyPrefix: "qsessions.q_cached_db",
	},
}

// ModelNamed returns a well-known model:
//
//   - "user_sessions": django-user-sessions
//   - "qsessions": django-qsessions
//   - "account_id": the example of Django's manual. Set its Table.
//
// Their users have integers as primary keys. For others replace the column: see [Model.With].
func ModelNamed(name string) (Model, error) {
	m, ok := readyModels[name]
	if !ok {
		return m, fmt.Errorf("dbstore: unknown model %q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(readyModels)), ", "))
	}
	m.Columns = slices.Clone(m.Columns)
	return m, nil
}

// With returns the model with these columns, which replace its columns of the same names.
func (m Model) With(columns ...Column) Model {
	m.Columns = slices.Clone(m.Columns)
	for _, c := range columns {
		if i := m.indexOf(c.name); i >= 0 {
			m.Columns[i] = c
		} else {
			m.Columns = append(m.Columns, c)
		}
	}
	return m
}

// indexOf returns the index of a column, or -1. Databases ignore the case of a name that is not
// quoted, and two of them that of any.
func (m *Model) indexOf(name string) int {
	return slices.IndexFunc(m.Columns, func(c Column) bool { return strings.EqualFold(c.name, name) })
}

// complete sets the defaults, and returns an error if the model cannot be used.
func (m *Model) complete() error {
	if m.Table == "" && m.needsTable {
		return errors.New("dbstore: this model has no table of a fixed name: name the table, such as accounts_customsession")
	}
	for _, d := range []struct {
		field    *string
		standard string
	}{{&m.Table, DefaultTable}, {&m.KeyColumn, "session_key"}, {&m.DataColumn, "session_data"}, {&m.ExpiryColumn, "expire_date"}} {
		if *d.field == "" {
			*d.field = d.standard
		}
	}
	seen := map[string]bool{}
	for _, name := range m.names() {
		if err := sqldialect.CheckColumn(name); err != nil {
			return fmt.Errorf("dbstore: %w", err)
		}
		if folded := strings.ToLower(name); seen[folded] {
			return fmt.Errorf("dbstore: column %q is described twice", name)
		} else {
			seen[folded] = true
		}
	}
	m.Columns = slices.Clone(m.Columns)
	for i, c := range m.Columns {
		if c.kind == kindValue && c.value == "" {
			return fmt.Errorf("dbstore: column %q: the session value has no name", c.name)
		}
		content, err := driver.DefaultParameterConverter.ConvertValue(c.content)
		if err != nil {
			return fmt.Errorf("dbstore: column %q: want a string, an integer, a float, a bool or nil: %w", c.name, err)
		}
		m.Columns[i].content = content
	}
	return nil
}

// names returns the names of all columns that the store uses.
func (m *Model) names() []string {
	names := []string{m.KeyColumn, m.DataColumn, m.ExpiryColumn}
	for _, c := range m.Columns {
		names = append(names, c.name)
	}
	return names
}

// written returns the columns as package sqltable writes them.
func (m *Model) written() []sqltable.Column {
	var columns []sqltable.Column
	for _, c := range m.Columns {
		columns = append(columns, sqltable.Column{Name: c.name, OnlyInserted: c.kind == kindCreated || c.kind == kindConstant})
	}
	return columns
}

// columns returns the values of the model's columns, for a session that is saved now.
func (s *Store) columns(v *djsession.Values, now time.Time) []any {
	if len(s.model.Columns) == 0 {
		return nil
	}
	values := make([]any, len(s.model.Columns))
	for i, c := range s.model.Columns {
		switch c.kind {
		case kindNow, kindCreated:
			values[i] = s.table.Param(s.table.AsSent(now))
		case kindConstant:
			values[i] = c.content
		case kindValue:
			values[i] = c.of(v)
		}
	}
	return values
}

// of returns the session value for a column as a parameter of a statement.
func (c *Column) of(v *djsession.Values) any {
	var value any
	if err := v.Get(c.value, &value); err != nil {
		return c.content // there is none, or it is an object that only Python can read
	}
	field := fieldvalue.Type(c.as)
	text, ok := field.Convert(value)
	if !ok {
		return c.content
	}
	return field.Param(text)
}
