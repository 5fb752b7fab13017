package djauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/secret"
)

// Rehashed is what Rehash found in a stored session.
type Rehashed struct {
	// Values are the values of the session with a new _auth_user_hash. They are nil if the hash
	// stays: there is no login, it does not count, or it has this hash already.
	Values *djsession.Values
	// Verified is true if the hash fits the user. Key is then the key that it was made with: 0
	// for SECRET_KEY, and i for the i-th of SECRET_KEY_FALLBACKS, counted from 1.
	Verified bool
	Key      int
	// Refused says why a login does not count, such as after a change of password. It is nil
	// if the session names no user.
	Refused error
}

// String shows whether the login counts, and no values.
func (r Rehashed) String() string {
	return fmt.Sprintf("verified: %v, key %d, a new hash: %v, refused: %v", r.Verified, r.Key, r.Values != nil, r.Refused)
}

// Format is String, whatever the verb.
func (r Rehashed) Format(f fmt.State, verb rune) { secret.Format(f, verb, r) }

// MarshalText is String, also to encoding/json.
func (r Rehashed) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Rehash makes the session auth hashes of stored sessions again, as the site's Django would store
// them now. It is for sessions that move to another release or to another SECRET_KEY. A hash is made
// again only if the stored one verifies: under the settings, or under those of an earlier release,
// if they are not nil. Rehash writes nothing. Nil values count as a session without a login. An error
// is one of Users or of SessionAuthHash.
//
// Rehash does not ask whether the user may log in, or whether the backend is among
// AuthenticationBackends: the site may allow both again.
func (a *Auth) Rehash(ctx context.Context, sessions []*djsession.Values, settings, earlier *djsession.Settings) ([]Rehashed, error) {
	if err := a.settingsError(); err != nil {
		return nil, fmt.Errorf("djauth: rehash: %w", err)
	}
	found := make([]Rehashed, len(sessions))
	if a.NoSessionAuthHash {
		return found, nil
	}
	ids := make([]string, len(sessions))
	var all []string
	seen := map[string]bool{"": true}
	for i, v := range sessions {
		if v == nil || !v.Has(idName) {
			continue
		}
		id, ok := a.sessionUserID(v)
		if !ok {
			found[i].Refused = errors.New("its _auth_user_id is not a primary key of the user model")
			continue
		}
		if ids[i] = id; !seen[id] {
			seen[id] = true
			all = append(all, id)
		}
	}
	users, err := a.usersByID(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("djauth: rehash: %w", err)
	}
	for i, v := range sessions {
		switch user := users[ids[i]]; {
		case ids[i] == "":
		case user == nil:
			found[i].Refused = errors.New("its user does not exist")
		default:
			if found[i], err = a.rehash(v, user, settings, earlier); err != nil {
				return nil, fmt.Errorf("djauth: rehash: %w", err)
			}
		}
	}
	return found, nil
}

func (a *Auth) rehash(v *djsession.Values, user *User, settings, earlier *djsession.Settings) (r Rehashed, err error) {
	hash := v.GetString(hashName)
	if hash == "" {
		r.Refused = errors.New("it has no _auth_user_hash")
		return r, nil
	}
	for _, s := range []*djsession.Settings{settings, earlier} {
		if s == nil || r.Verified {
			continue
		}
		if r.Key, r.Verified, err = a.hashKey(s, user, hash); err != nil {
			return r, err
		}
	}
	if !r.Verified {
		r.Refused = errors.New("its _auth_user_hash does not fit its user")
		return r, nil
	}
	want, err := a.currentHash(settings, user)
	if err != nil || equal(hash, want) {
		return r, err
	}
	r.Values = v.Clone()
	return r, r.Values.Set(hashName, want)
}

// usersByID returns the users of primary keys.
func (a *Auth) usersByID(ctx context.Context, ids []string) (map[string]*User, error) {
	if bulk, ok := a.users.(BulkUsers); ok {
		return bulk.UsersByID(ctx, ids)
	}
	users := make(map[string]*User, len(ids))
	for _, id := range ids {
		user, err := a.users.User(ctx, id)
		switch {
		case errors.Is(err, ErrNoUser):
		case err != nil:
			return nil, err
		default:
			users[id] = user
		}
	}
	return users, nil
}
