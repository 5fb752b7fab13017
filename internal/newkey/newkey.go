// Package newkey stores new sessions under keys that the store chooses.
package newkey

import (
	"errors"

	"github.com/djsess/djsess/djsession"
)

// attempts limits the keys that are tried. Five random keys cannot all be taken: if the store
// says so, it refuses every key for some other reason.
const attempts = 5

// Create calls create with a new key, and with another one if that key is taken. It returns an
// ErrKeyTaken if every key is refused.
func Create(create func(key string) (*djsession.Record, error)) (r *djsession.Record, err error) {
	for range attempts {
		r, err = create(djsession.NewKey())
		if !errors.Is(err, djsession.ErrKeyTaken) {
			break
		}
	}
	return r, err
}
