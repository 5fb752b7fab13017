package django

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// secret returns what a file holds. At first it makes the file, with so many random letters and digits, for nobody else to
// read.
func secret(path string, length int) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		random := strings.ToLower(rand.Text() + rand.Text())[:length]
		return random, os.WriteFile(path, []byte(random+"\n"), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}
