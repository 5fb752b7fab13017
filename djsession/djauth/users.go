package djauth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/djsess/djsess/internal/secret"
)

// ErrNoUser is Django's DoesNotExist.
var ErrNoUser = errors.New("no such user")

// Users finds the site's users. [UsersIn] returns one over the site's database, which
// is all that most programs need; implement it for users that are somewhere else, or
// to cache them. It must be safe for use by several goroutines.
type Users interface {
	// PrimaryKey is the type of the model's primary key.
	PrimaryKey() PrimaryKey
	// User returns the user of this primary key, which is in the form that
	// PrimaryKey.Convert returns. ErrNoUser says that there is no such user, and
	// makes the visitor anonymous; any other error says that it is not known. The
	// caller may change the User.
	User(ctx context.Context, id string) (*User, error)
	// SetLastLogin sets the last_login of a user, and returns ErrNoUser if there is
	// no such user. For a model without a last_login it does nothing.
	SetLastLogin(ctx context.Context, id string, at time.Time) error
}

// BulkUsers is Users that can read many users in one query. Rehash uses it.
type BulkUsers interface {
	// UsersByID returns users by their primary keys, in the form that PrimaryKey.Convert
	// returns. A user who does not exist is not among them.
	UsersByID(ctx context.Context, ids []string) (map[string]*User, error)
}

// User is a row of the site's user table.
type User struct {
	// ID is the primary key, as Django's value_to_string writes it: "17",
	// "0d6bbf0c-…", or the text itself.
	ID string
	// Username is the model's USERNAME_FIELD.
	Username string
	// Password is the encoded hash, such as "pbkdf2_sha256$…". The session auth
	// hash is made of it, and changes with it.
	Password string `json:"-"`
	// IsActive is is_active, and true for a model without it.
	IsActive bool
	// LastLogin is last_login, zero when there is none.
	LastLogin time.Time

	// Extra holds the columns of UserModel.Extra, by name: as the driver returns them,
	// but bytes as text. Column returns one as a Go type.
	Extra map[string]any `json:"-"`
}

// Column returns an extra column of a user as a Go type, as database/sql would
// scan it: Column[bool](user, "is_staff") is true for the 1 that MySQL and SQLite
// return. A null is the type's zero value.
func Column[T any](u *User, name string) (T, error) {
	var column sql.Null[T]
	value, ok := u.Extra[name]
	if !ok {
		return column.V, fmt.Errorf("djauth: column %q of %v: it is not in UserModel.Extra", name, u)
	}
	if err := column.Scan(value); err != nil {
		// The error of database/sql quotes the value, which may be private.
		return column.V, fmt.Errorf("djauth: column %q of %v: a %T is no %T", name, u, value, column.V)
	}
	return column.V, nil
}

// String shows the primary key and nothing secret.
func (u User) String() string { return "user " + strconv.Quote(u.ID) }

// Format is String, whatever the verb.
func (u User) Format(f fmt.State, verb rune) { secret.Format(f, verb, u) }

// LogValue is String, for log/slog.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }
