package djsessiontest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/secret"
)

// Users are djauth.Users in memory.
type Users struct{ *userTable }

type userTable struct {
	mu    sync.Mutex
	users map[string]*djauth.User
}

var _ djauth.Users = (*Users)(nil)

// NewUsers returns these users. They are active, whatever their IsActive: see Set for one
// who is not.
func NewUsers(users ...*djauth.User) *Users {
	u := &Users{&userTable{users: map[string]*djauth.User{}}}
	for _, user := range users {
		active := copyOf(user)
		active.IsActive = true
		u.Set(active)
	}
	return u
}

// String shows how many users there are.
func (u Users) String() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return fmt.Sprintf("djsessiontest.Users with %d users", len(u.users))
}

// Format is String, whatever the verb.
func (u Users) Format(f fmt.State, verb rune) { secret.Format(f, verb, u) }

// Set adds a user, or replaces the user with the same ID. A new Password ends the user's
// sessions, as in Django. It keeps a copy of the user.
func (u *Users) Set(user *djauth.User) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.users[user.ID] = copyOf(user)
}

// Delete removes a user.
func (u *Users) Delete(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.users, id)
}

// PrimaryKey returns djauth.Text, which takes IDs of any kind.
func (u *Users) PrimaryKey() djauth.PrimaryKey { return djauth.Text }

// User returns a copy of the user with this ID.
func (u *Users) User(_ context.Context, id string) (*djauth.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	user, ok := u.users[id]
	if !ok {
		return nil, fmt.Errorf("djsessiontest: user %q: %w", id, djauth.ErrNoUser)
	}
	return copyOf(user), nil
}

// SetLastLogin sets the LastLogin of a user.
func (u *Users) SetLastLogin(_ context.Context, id string, at time.Time) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	user, ok := u.users[id]
	if !ok {
		return fmt.Errorf("djsessiontest: user %q: %w", id, djauth.ErrNoUser)
	}
	user.LastLogin = at
	return nil
}

func copyOf(user *djauth.User) *djauth.User {
	copied := *user
	copied.Extra = maps.Clone(user.Extra)
	return &copied
}
