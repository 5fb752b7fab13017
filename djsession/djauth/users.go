package djauth

import (
	"context"
	"errors"
	"time"
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
