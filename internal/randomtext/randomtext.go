// Package randomtext makes session keys and CSRF secrets, as django.utils.crypto's
// get_random_string does.
package randomtext

import "crypto/rand"

// New returns random characters of an alphabet from a secure source. The alphabet is ASCII and
// has at most 256 characters.
func New(length int, alphabet string) string {
	// A byte that is not below this limit is skipped, so that each character is equally likely.
	limit := 256 / len(alphabet) * len(alphabet)
	text := make([]byte, 0, length)
	var random [64]byte
	for {
		rand.Read(random[:]) // never fails
		for _, b := range random {
			if len(text) == length {
				return string(text)
			}
			if int(b) < limit {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
}
