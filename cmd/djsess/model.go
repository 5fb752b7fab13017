package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession/dbstore"
)

// parseModel reads the session model of a store: a well-known one by its name, the columns that
// differ from Django's, or both. It returns nil if the store has none of these.
func parseModel(t *table) *dbstore.Model {
	var m dbstore.Model
	described := false
	if name := take[string](t, "model"); name != nil {
		var err error
		if m, err = dbstore.ModelNamed(*name); err != nil {
			t.fail("model", strings.TrimPrefix(err.Error(), "dbstore: "))
		}
		described = true
	}
	for _, column := range []struct {
		name  string
		value *string
	}{{"key_column", &m.KeyColumn}, {"data_column", &m.DataColumn}, {"expiry_column", &m.ExpiryColumn}} {
		if text := take[string](t, column.name); text != nil {
			*column.value, described = *text, true
		}
	}
	columns := t.sub("columns")
	for _, name := range slices.Sorted(maps.Keys(columns.values)) {
		m, described = m.With(columns.column(name)), true
	}
	if !described {
		return nil
	}
	return &m
}

// fieldTypes are the words for the type of a column.
var fieldTypes = map[string]dbstore.FieldType{"integer": dbstore.Integer, "uuid": dbstore.UUID, "text": dbstore.Text, "ip": dbstore.IP}

const wantColumn = `want "now", "created", "null", { value = "NAME", type = "integer" } or { constant = 7 }`

// column reads what is written into a column.
func (t *table) column(name string) dbstore.Column {
	value, _ := t.value(name)
	switch v := value.(type) {
	case string:
		switch v {
		case "now":
			return dbstore.Now(name)
		case "created":
			return dbstore.Created(name)
		case "null":
			return dbstore.Null(name)
		}
	case map[string]any:
		return t.sub(name).columnOf(name)
	}
	t.fail(name, wantColumn)
	return dbstore.Null(name)
}

// columnOf reads the table of a column: the session value or the constant that is written into it.
func (t *table) columnOf(name string) (c dbstore.Column) {
	constant, isConstant := t.scalar("constant")
	value, as := take[string](t, "value"), take[string](t, "type")
	otherwise, _ := t.scalar("otherwise")
	t.refuseUnknown()
	if isConstant {
		if value != nil || as != nil || otherwise != nil {
			t.fail("constant", "value, type and otherwise do not go with it")
		}
		return dbstore.Constant(name, constant)
	}
	if value == nil {
		t.fail("value", "it is missing, and so is constant: "+wantColumn)
		return dbstore.Null(name)
	}
	field := dbstore.Integer
	if as != nil {
		var ok bool
		if field, ok = fieldTypes[*as]; !ok {
			t.fail("type", `want "integer", "uuid", "text" or "ip"`)
		}
	}
	return dbstore.FromValue(name, *value, field).Or(otherwise)
}

// scalar returns a text, a number or a bool.
func (t *table) scalar(name string) (value any, ok bool) {
	if value, ok = t.value(name); !ok {
		return nil, false
	}
	switch value.(type) {
	case string, int64, float64, bool:
		return value, true
	}
	t.fail(name, "want text in double quotes, a number, true or false")
	return nil, true
}
