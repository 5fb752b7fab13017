package djauth

import (
	"context"
	"errors"
	"time"
)

// ErrNoUser is Django's DoesNotExist: there is no such user.
var ErrNoUser = errors.New("no such user")

// Users is where the site's users are. [UsersIn] makes one over the site's
// database, which is all that most programs need; this interface is for users that
// are somewhere else, or are to be cached. It must be safe for use by several
// goroutines.
type Users interface {
	// PrimaryKey is the type of the model's primary key.
	PrimaryKey() PrimaryKey
	// User returns the user of this primary key, which is in the form that
	// PrimaryKey.Convert returns. An error that is ErrNoUser says that there is
	// none, and makes the visitor anonymous; any other says that it is not
	// known. The User is the caller's, who may change it.
	User(ctx context.Context, id string) (*User, error)
	// SetLastLogin sets the last_login of a user, who is ErrNoUser when there
	// is none. A model without a last_login has nothing to do.
	SetLastLogin(ctx context.Context, id string, at time.Time) error
}
