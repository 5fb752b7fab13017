package djauth

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/djsess/djsess/internal/fieldvalue"
	"github.com/djsess/djsess/internal/sqldialect"
)

// UserModel describes the table of the site's AUTH_USER_MODEL. The zero UserModel is
// Django's own, django.contrib.auth.models.User.
//
// A model whose columns are in several tables (multi-table inheritance), or whose
// default manager hides rows, needs a view, or an implementation of Users. A model that
// overrides get_session_auth_hash needs Auth.SessionAuthHash. Auth.Check compares the
// description with the table.
type UserModel struct {
	// Table is Meta.db_table, or schema.table (database.table in MySQL). Without a
	// schema it is in that of the session table, and an error when it is only in
	// another one. Default: "auth_user".
	Table string
	// PrimaryKey is the type of the primary key. Default: Integer.
	PrimaryKey PrimaryKey

	// ID is the column of the primary key. Default: "id".
	ID string
	// Username is the column of the USERNAME_FIELD. Default: "username".
	Username string
	// Password is the column of the encoded hash. Default: "password".
	Password string
	// IsActive is the column of is_active; with NoColumn all users are active.
	// Default: "is_active".
	IsActive string
	// LastLogin is the column of last_login; NoColumn: the model has none.
	// Default: "last_login".
	LastLogin string

	// Extra are further columns to read, such as "email" and "is_staff", in the
	// same query. See Column.
	Extra []string
}

// NoColumn in a UserModel says that the model has no such column.
const NoColumn = "-"

// DefaultTable is the table of Django's own user model.
const DefaultTable = "auth_user"

func (m *UserModel) setDefaults() error {
	if m.Table == "" {
		m.Table = DefaultTable
	}
	for _, f := range m.fields() {
		if *f.column == "" {
			*f.column = f.standard
		}
		if *f.column == NoColumn && !f.optional {
			return fmt.Errorf("djauth: user model %s: it cannot do without its %s", m.Table, f.standard)
		}
	}
	if err := sqldialect.CheckTable(m.Table); err != nil {
		return fmt.Errorf("djauth: user model: %w", err)
	}
	if m.PrimaryKey < Integer || m.PrimaryKey > Text {
		return errors.New("djauth: user model: PrimaryKey must be Integer, UUID or Text")
	}
	return nil
}

// modelField is a field of UserModel that names a column.
type modelField struct {
	name     string
	column   *string
	standard string // the column of Django's own model
	optional bool   // it may be NoColumn
}

func (m *UserModel) fields() []modelField {
	return []modelField{
		{"ID", &m.ID, "id", false},
		{"Username", &m.Username, "username", false},
		{"Password", &m.Password, "password", false},
		{"IsActive", &m.IsActive, "is_active", true},
		{"LastLogin", &m.LastLogin, "last_login", true},
	}
}

// hint says what to change in the model when the database has no column that it names. Of
// the error only the text says which column that is.
func (m *UserModel) hint(text string) string {
	hint, longest := "does the table have every column that UserModel names?", ""
	try := func(column, remedy string) {
		if len(column) > len(longest) && quotes(text, column) {
			longest = column
			hint = fmt.Sprintf("table %q has no column %q: %s", m.Table, column, remedy)
		}
	}
	for _, f := range m.fields() {
		remedy := "set UserModel." + f.name + " to the name of the column"
		if f.optional {
			remedy += ", or to djauth.NoColumn if the model has none"
		}
		try(*f.column, remedy)
	}
	for _, column := range m.Extra {
		try(column, "is it misspelled in UserModel.Extra?")
	}
	return hint
}

// quotes reports whether an error of a database holds a name, and not as a part of a longer
// one.
func quotes(text, name string) bool {
	const border = "(^|$|[ .,:'\"`()])"
	return regexp.MustCompile(border + regexp.QuoteMeta(name) + border).MatchString(text)
}

// PrimaryKey is a type of primary keys.
type PrimaryKey int

const (
	// Integer is AutoField, BigAutoField and IntegerField: Django's default.
	Integer = PrimaryKey(fieldvalue.Integer)
	// UUID is UUIDField.
	UUID = PrimaryKey(fieldvalue.UUID)
	// Text is CharField, and any other field that is compared as a text.
	Text = PrimaryKey(fieldvalue.Text)
)

// String returns the name of the constant.
func (k PrimaryKey) String() string {
	switch k {
	case Integer:
		return "Integer"
	case UUID:
		return "UUID"
	case Text:
		return "Text"
	}
	return "PrimaryKey(" + strconv.Itoa(int(k)) + ")"
}

// Convert is the field's to_python, followed by value_to_string: it takes an
// _auth_user_id as a session holds it, decoded from JSON into an any, and returns
// the primary key as Django would have written it. So 17, "17" and " 17 " are
// "17", and a UUID may have braces or no hyphens. For a value that is not a primary key
// of this type, ok is false; Django raises a ValidationError.
func (k PrimaryKey) Convert(value any) (id string, ok bool) {
	return fieldvalue.Type(k).Convert(value)
}
