package djauth

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
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

// SQLUsers are Users in a table of the site's database.
type SQLUsers struct {
	db       *sql.DB
	dialect  *sqldialect.Dialect
	loc      *time.Location // of naive times
	useTZ    bool
	model    UserModel
	sessions string      // the session table, or schema.table
	located  atomic.Bool // the users are in the schema of the sessions
	byID     sqldialect.Statement
	byName   sqldialect.Statement
	setLogin sqldialect.Statement
}

var _ Users = (*SQLUsers)(nil)

// UsersIn returns the users in the database of a session store, over the same
// connections. The store is a *dbstore.Store, which storeurl.Open returns for the URL
// of a database, or a *cachestore.CachedDB. UsersIn does not ask the database anything:
// a table that does not exist is an error of the first query (dbstore.ErrNoTable). If
// the sessions are not in a database, open a store for the users alone:
//
//	db, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
//	users, err := djauth.UsersIn(db, djauth.UserModel{})
func UsersIn(store djsession.Store, model UserModel) (*SQLUsers, error) {
	db, ok := store.(djsession.SQLStore)
	if !ok {
		return nil, fmt.Errorf("djauth: users in %T: this store is not on a database: open that of the users by storeurl.Open", store)
	}
	if err := model.setDefaults(); err != nil {
		return nil, err
	}
	u := &SQLUsers{db: db.DB(), loc: db.Location(), useTZ: store.Settings().UseTZ, model: model, sessions: db.Table()}
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
	u.model.Table = inSchemaOf(u.sessions, model.Table, u.dialect)
	u.located.Store(u.dialect != sqldialect.PostgreSQL || strings.Contains(u.model.Table, "."))
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
	if err := sqldialect.CheckTable(m.Table); err != nil {
		return fmt.Errorf("djauth: user model: %w", err)
	}
	if m.PrimaryKey < Integer || m.PrimaryKey > Text {
		return errors.New("djauth: user model: PrimaryKey must be Integer, UUID or Text")
	}
	return nil
}
