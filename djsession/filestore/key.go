package filestore

import (
	"fmt"

	"github.com/djsess/djsess/djsession"
)

// longestKey is what ValidateKey takes.
const longestKey = 40

// fileName is the name of a key's file. Django lets no other characters near a
// path, and neither do we.
func (s *Store) fileName(key string) (string, error) {
	if err := djsession.ValidateKey(key); err != nil {
		return "", err
	}
	if !isKey(key) {
		return "", fmt.Errorf("%w: the file engine's keys are of a-z and 0-9", djsession.ErrInvalidKey)
	}
	return s.prefix + key, nil
}

// isKey tells whether all of it is of VALID_KEY_CHARS.
func isKey(text string) bool {
	for _, c := range []byte(text) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}
