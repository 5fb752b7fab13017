// Package sessionuser finds the user who is logged in to a session, without the site's user model.
package sessionuser

import (
	"fmt"
	"math/big"

	"github.com/djsess/djsess/djsession"
)

const name = "_auth_user_id"

// ID returns the primary key of the user who is logged in, as text. Django accepts only a text or
// an integer.
func ID(v *djsession.Values) (id string, ok bool) {
	if !v.Has(name) {
		return "", false
	}
	var value any
	if err := v.Get(name, &value); err != nil {
		return "", false
	}
	switch value := value.(type) {
	case string:
		return value, true
	case int64, *big.Int:
		return fmt.Sprint(value), true
	}
	return "", false
}
