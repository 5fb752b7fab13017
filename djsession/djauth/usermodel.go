package djauth

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/sqldialect"
)

// UserModel describes the table of the site's AUTH_USER_MODEL. The zero UserModel is
// Django's own, django.contrib.auth.models.User.
//
// A model whose columns are in several tables (multi-table inheritance), or whose
// default manager hides rows, needs a view, or an implementation of Users. A model that
// overrides get_session_auth_hash needs Auth.SessionAuthHash.
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
	for _, d := range []struct {
		field    *string
		standard string
		optional bool
	}{
		{&m.Table, DefaultTable, false},
		{&m.ID, "id", false},
		{&m.Username, "username", false},
		{&m.Password, "password", false},
		{&m.IsActive, "is_active", true},
		{&m.LastLogin, "last_login", true},
	} {
		if *d.field == "" {
			*d.field = d.standard
		}
		if *d.field == NoColumn && !d.optional {
			return fmt.Errorf("djauth: user model %s: it cannot do without its %s", m.Table, d.standard)
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
