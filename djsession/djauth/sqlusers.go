package djauth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/fieldvalue"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/sqldialect"
	"github.com/djsess/djsess/internal/waitlimit"
)

// SQLUsers are Users in a table of the site's database.
type SQLUsers struct {
	db       *sql.DB
	dialect  *sqldialect.Dialect
	loc      *time.Location // of naive times
	useTZ    bool
	model    UserModel
	sessions string      // the session table, or schema.table
	located  atomic.Bool // the table of users is known to be in the right schema
	byID     sqldialect.Statement
	byIDs    sqldialect.Statement // of usersInQuery users
	byName   sqldialect.Statement
	anyUser  sqldialect.Statement
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
		return nil, fmt.Errorf("djauth: users in %T: this store is not in a database: open the users' database with storeurl.Open", store)
	}
	if err := model.setDefaults(); err != nil {
		return nil, err
	}
	dialect, err := sqldialect.ByVendor(string(db.Dialect()))
	if err != nil {
		return nil, fmt.Errorf("djauth: users: %w", err)
	}
	u := &SQLUsers{db: db.DB(), dialect: dialect, loc: db.Location(), useTZ: store.Settings().UseTZ, model: model, sessions: db.Table()}
	u.model.Table = inSchemaOf(u.sessions, model.Table, u.dialect)
	u.located.Store(u.dialect != sqldialect.PostgreSQL || strings.Contains(u.model.Table, "."))
	u.compile()
	return u, nil
}

// PrimaryKey is UserModel.PrimaryKey.
func (u *SQLUsers) PrimaryKey() PrimaryKey { return u.model.PrimaryKey }

// User reads the user of a primary key.
func (u *SQLUsers) User(ctx context.Context, id string) (*User, error) {
	user, err := u.query(ctx, u.byID, u.keyParam(id))
	if err != nil {
		return nil, fmt.Errorf("user %q: %w", id, err)
	}
	return user, nil
}

// UserByUsername reads the user of a username: Django's get_by_natural_key. It finds
// the user for Login, when an identity provider says who the visitor is. The username
// must be exactly the user's: most of MySQL's collations take "Ádmin " for "admin",
// and Django accepts that.
func (u *SQLUsers) UserByUsername(ctx context.Context, username string) (*User, error) {
	if !utf8.ValidString(username) || strings.IndexByte(username, 0) >= 0 {
		return nil, fmt.Errorf("djauth: user by username: %w", ErrNoUser) // PostgreSQL rejects such text
	}
	user, err := u.query(ctx, u.byName, username)
	if err == nil && user.Username != username {
		err = ErrNoUser
	}
	if err != nil {
		return nil, fmt.Errorf("djauth: user by username: %w", err)
	}
	return user, nil
}

// SetLastLogin updates last_login, as Django's update_last_login does: that
// column and no other.
func (u *SQLUsers) SetLastLogin(ctx context.Context, id string, at time.Time) error {
	if u.model.LastLogin == NoColumn {
		return nil
	}
	ctx, cancel := waitlimit.ForWrite(ctx, waitlimit.Default)
	defer cancel()
	if err := u.locate(ctx); err != nil {
		return fmt.Errorf("set last_login of user %q: %w", id, err)
	}
	if !u.useTZ && !u.dialect.NaiveTimes {
		at = pytime.Later(at, u.loc) // Django sends the wall clock here, too
	}
	result, err := u.db.ExecContext(ctx, u.setLogin.SQL, u.setLogin.Bind(sqldialect.Args{
		"key": u.keyParam(id),
		"at":  u.dialect.TimeParam(at, u.loc),
	})...)
	var n int64
	if err == nil {
		n, err = result.RowsAffected()
	}
	if err == nil && n == 0 {
		// There is no such user, or the row has this time already: MySQL counts
		// only rows that change, and the column may have whole seconds.
		_, err = u.query(ctx, u.byID, u.keyParam(id))
	}
	if err != nil {
		return fmt.Errorf("set last_login of user %q: %w", id, u.explain(u.discreet(sqldialect.Ended(ctx, u.db, err))))
	}
	return nil
}

// discreet returns an error with the same text and without its details, if the error is
// about a row that breaks a rule of the table. The details quote the row and its password.
func (u *SQLUsers) discreet(err error) error {
	switch u.dialect.Classify(err) {
	case sqldialect.Integrity, sqldialect.Unique, sqldialect.ForeignKey, sqldialect.NotNull:
		return errors.New(err.Error())
	}
	return err
}

func (u *SQLUsers) compile() {
	table := u.dialect.Quote(u.model.Table)
	key := ":key"
	if u.model.PrimaryKey == Integer && u.dialect == sqldialect.PostgreSQL {
		key = "CAST(:key AS bigint)" // a number too large for an int column must find no row, and not be an error
	}
	isKey := " WHERE " + u.column(u.model.ID) + " = " + key
	keys := make([]string, usersInQuery)
	for i := range keys {
		keys[i] = strings.ReplaceAll(key, ":key", fmt.Sprintf(":key%d", i))
	}
	row := "SELECT " + strings.Join(u.columns(), ", ") + " FROM " + table
	u.byID = u.dialect.Compile(row + isKey)
	u.byIDs = u.dialect.Compile(row + " WHERE " + u.column(u.model.ID) + " IN (" + strings.Join(keys, ", ") + ")")
	u.byName = u.dialect.Compile(row + " WHERE " + u.column(u.model.Username) + " = :key")
	u.anyUser = u.dialect.Compile(row + " LIMIT 1")
	if u.model.LastLogin != NoColumn {
		u.setLogin = u.dialect.Compile("UPDATE " + table + " SET " + u.dialect.Quote(u.model.LastLogin) + " = :at" + isKey)
	}
}

// columns returns the columns that a query of a user selects.
func (u *SQLUsers) columns() []string {
	columns := []string{u.column(u.model.ID), u.column(u.model.Username), u.column(u.model.Password)}
	if u.model.IsActive != NoColumn {
		columns = append(columns, u.column(u.model.IsActive))
	}
	if u.model.LastLogin != NoColumn {
		columns = append(columns, u.dialect.ReadTime(u.column(u.model.LastLogin)))
	}
	for _, name := range u.model.Extra {
		columns = append(columns, u.column(name))
	}
	return columns
}

// column returns the quoted name of a column after that of its table. Without the table,
// SQLite takes an unknown quoted name for a text, and a misnamed password column would make
// every visitor anonymous.
func (u *SQLUsers) column(name string) string {
	return u.dialect.Quote(u.model.Table) + "." + u.dialect.Quote(name)
}

// keyParam returns a primary key as a parameter of a statement.
func (u *SQLUsers) keyParam(id string) any { return fieldvalue.Type(u.model.PrimaryKey).Param(id) }

// query reads the one user that a statement selects.
func (u *SQLUsers) query(ctx context.Context, stmt sqldialect.Statement, key any) (*User, error) {
	ctx, cancel := waitlimit.Context(ctx, waitlimit.Default)
	defer cancel()
	if err := u.locate(ctx); err != nil {
		return nil, err
	}
	row := u.newRow()
	err := u.db.QueryRowContext(ctx, stmt.SQL, stmt.Bind(sqldialect.Args{"key": key})...).Scan(row.dst(&u.model)...)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrNoUser
	case err != nil:
		return nil, u.explain(sqldialect.Ended(ctx, u.db, err))
	}
	return u.user(row)
}

// explain adds the remedy to an error of the database that UserModel can cause.
func (u *SQLUsers) explain(err error) error {
	switch u.dialect.Classify(err) {
	case sqldialect.NoTable:
		return u.noTable(err)
	case sqldialect.NoColumn:
		return fmt.Errorf("%s: %w", u.model.hint(err.Error()), err)
	}
	return err
}

// userRow is a row of the columns that a query selects.
type userRow struct {
	id, username, password sql.NullString
	active, lastLogin      any
	extra                  []any
}

func (u *SQLUsers) newRow() *userRow {
	return &userRow{active: true, extra: make([]any, len(u.model.Extra))} // without a column, all are active
}

func (r *userRow) dst(m *UserModel) []any {
	dst := []any{&r.id, &r.username, &r.password}
	if m.IsActive != NoColumn {
		dst = append(dst, &r.active)
	}
	if m.LastLogin != NoColumn {
		dst = append(dst, &r.lastLogin)
	}
	for i := range r.extra {
		dst = append(dst, &r.extra[i])
	}
	return dst
}

func (u *SQLUsers) user(row *userRow) (*User, error) {
	id, ok := u.model.PrimaryKey.Convert(row.id.String)
	if !ok {
		return nil, fmt.Errorf("column %q of table %q is not of the type that UserModel.PrimaryKey says, which is %s", u.model.ID, u.model.Table, u.model.PrimaryKey)
	}
	var active sql.NullBool
	if err := active.Scan(row.active); err != nil {
		// The error of database/sql quotes the value, which is a password if the column is the wrong one.
		return nil, fmt.Errorf("column %q of table %q holds no boolean: is UserModel.IsActive the wrong column?", u.model.IsActive, u.model.Table)
	}
	user := &User{ID: id, Username: row.username.String, Password: row.password.String, IsActive: active.Bool}
	if row.lastLogin != nil {
		// As in Django, a text that is not a time means no last_login.
		user.LastLogin, _ = u.dialect.ParseTime(row.lastLogin, u.loc)
	}
	if len(row.extra) > 0 {
		user.Extra = make(map[string]any, len(row.extra))
	}
	for i, name := range u.model.Extra {
		value := row.extra[i]
		if b, ok := value.([]byte); ok {
			value = string(b)
		}
		user.Extra[name] = value
	}
	return user, nil
}
