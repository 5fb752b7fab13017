package djauth

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/sqldialect"
)

// UserModel says where and how the site's AUTH_USER_MODEL keeps its users. The
// zero UserModel is Django's own, django.contrib.auth.models.User.
//
// A model whose columns are spread over several tables (multi-table inheritance),
// or whose default manager hides rows, wants a view, or a Users of its own.
type UserModel struct {
	// Table is Meta.db_table, or schema.table. Default: "auth_user".
	Table string
	// PrimaryKey is the type of the primary key. Default: Integer.
	PrimaryKey PrimaryKey

	// ID is the column of the primary key. Default: "id".
	ID string
	// Username is the column of the USERNAME_FIELD. Default: "username".
	Username string
	// Password is the column of the encoded hash. Default: "password".
	Password string
	// IsActive is the column of is_active; NoColumn: the model has none, and
	// all users are active. Default: "is_active".
	IsActive string
	// LastLogin is the column of last_login; NoColumn: the model has none.
	// Default: "last_login".
	LastLogin string

	// Extra are further columns to read, such as "email" and "is_staff", in the
	// same query. See Column.
	Extra []string
}

// NoColumn, in a UserModel, says that the model does without.
const NoColumn = "-"

// DefaultTable is the table of Django's own user model.
const DefaultTable = "auth_user"

// SQLUsers are Users in a table of the site's database.
type SQLUsers struct {
	db       *sql.DB
	dialect  *sqldialect.Dialect
	loc      *time.Location // of naive times
	useTZ    bool
	model    UserModel
	byID     sqldialect.Statement
	byName   sqldialect.Statement
	setLogin sqldialect.Statement
}

var _ Users = (*SQLUsers)(nil)

// database is what UsersIn wants of a store. dbstore.Store has it.
type database interface {
	DB() *sql.DB
	Dialect() dbstore.Dialect
	Settings() *djsession.Settings
	Location() *time.Location
}

// UsersIn returns the users of the database that a session store is on, over the
// same connections: *dbstore.Store, which is what storeurl.Open makes of a
// database's URL. It does not ask the database anything. Where sessions are kept
// somewhere else, a store is opened for the users' sake only:
//
//	db, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//	users, err := djauth.UsersIn(db, djauth.UserModel{})
func UsersIn(store djsession.Store, model UserModel) (*SQLUsers, error) {
	db, ok := store.(database)
	if !ok {
		return nil, fmt.Errorf("djauth: users in %T: this store is not on a database: open that of the users by storeurl.Open", store)
	}
	if err := model.setDefaults(); err != nil {
		return nil, err
	}
	u := &SQLUsers{db: db.DB(), loc: db.Location(), useTZ: db.Settings().UseTZ, model: model}
	switch db.Dialect() {
	case dbstore.PostgreSQL:
		u.dialect = sqldialect.PostgreSQL
	case dbstore.MySQL:
		u.dialect = sqldialect.MySQL
	case dbstore.SQLite:
		u.dialect = sqldialect.SQLite
	default:
		return nil, fmt.Errorf("djauth: users in an unknown kind of database: %q", db.Dialect())
	}
	u.compile()
	return u, nil
}

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
	if strings.Count(m.Table, ".") > 1 {
		return fmt.Errorf("djauth: user model: table name %q: want table or schema.table", m.Table)
	}
	if m.PrimaryKey < Integer || m.PrimaryKey > Text {
		return errors.New("djauth: user model: PrimaryKey must be Integer, UUID or Text")
	}
	return nil
}
