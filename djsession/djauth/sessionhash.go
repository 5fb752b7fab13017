package djauth

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/djsess/djsess/signing"
)

// SessionHash describes the get_session_auth_hash of a user model that returns
//
//	salted_hmac(salt, column + column + …, algorithm=…).hexdigest()
//
// Its method Hash is then Auth.SessionAuthHash. This is the one of pretix:
//
//	users, err := djauth.UsersIn(store, djauth.UserModel{
//		Table: "pretixbase_user", Username: "email", Extra: []string{"email", "session_token"},
//	})
//	auth, err := djauth.New(users)
//	auth.SessionAuthHash = djauth.SessionHash{
//		Salt:    "pretix.base.models.User.get_session_auth_hash",
//		Columns: []string{"password", "email", "session_token"},
//	}.Hash
type SessionHash struct {
	// Salt is the key_salt.
	Salt string
	// Columns are the columns whose texts are joined, in this order. "password" is the
	// user's password, whatever its column is called. The others must be in
	// UserModel.Extra, and hold text or integers.
	Columns []string
	// Algorithm is the algorithm of salted_hmac. Default: signing.SHA1, as there.
	Algorithm signing.Algorithm
}

// Hash returns a user's hash under a secret. A column that is not in UserModel.Extra is an
// error, and so is a null, for which Django raises an exception.
func (h SessionHash) Hash(user *User, secret string) (string, error) {
	switch {
	case h.Salt == "":
		return "", errors.New("SessionHash: it has no Salt")
	case len(h.Columns) == 0:
		return "", errors.New("SessionHash: it has no Columns, so all users would have the same hash")
	}
	var value strings.Builder
	for _, name := range h.Columns {
		text, err := columnText(user, name)
		if err != nil {
			return "", fmt.Errorf("SessionHash: column %q: %w", name, err)
		}
		value.WriteString(text)
	}
	algorithm := h.Algorithm
	if algorithm == "" {
		algorithm = signing.SHA1
	}
	return hexHMAC(h.Salt, value.String(), secret, algorithm)
}

// columnText returns a column as Python's str() returns it.
func columnText(user *User, name string) (string, error) {
	value, ok := user.Extra[name]
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case nil:
		switch {
		case ok:
			return "", fmt.Errorf("it is null in %v", user)
		case name == "password":
			return user.Password, nil
		}
		return "", errors.New("it is not in UserModel.Extra")
	}
	// Python's text of a boolean or a time depends on the type of the model's field.
	return "", fmt.Errorf("it holds a %T: want text or an integer. For another type, set SessionAuthHash to a function of your own", value)
}
