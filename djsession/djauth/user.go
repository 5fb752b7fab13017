package djauth

import (
	"database/sql"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/djsess/djsess/internal/secret"
)

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

	// Extra holds UserModel.Extra by column: nil, or as the driver returns it,
	// but text for bytes. Column reads it as a Go type.
	Extra map[string]any `json:"-"`
}

// Column returns an extra column of a user as a Go type, as database/sql would
// scan it: Column[bool](user, "is_staff") is true for the 1 that MySQL and SQLite
// return. A null is the type's zero value.
func Column[T any](u *User, name string) (T, error) {
	var column sql.Null[T]
	value, ok := u.Extra[name]
	if !ok {
		return column.V, fmt.Errorf("djauth: column %q of %v: it was not asked for in UserModel.Extra", name, u)
	}
	if err := column.Scan(value); err != nil {
		// What database/sql says quotes the value.
		return column.V, fmt.Errorf("djauth: column %q of %v: a %T is no %T", name, u, value, column.V)
	}
	return column.V, nil
}

// String names the user by its primary key, and holds nothing secret.
func (u User) String() string { return "user " + strconv.Quote(u.ID) }

// Format is String, whatever the verb.
func (u User) Format(f fmt.State, verb rune) { secret.Format(f, verb, u) }

// LogValue is String, for log/slog.
func (u User) LogValue() slog.Value { return slog.StringValue(u.String()) }
