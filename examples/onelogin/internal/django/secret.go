package django

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
)

// secret returns the content of a file. The first call creates the file with length random letters and digits. Other users
// cannot read it.
func secret(path string, length int) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		random := strings.ToLower(rand.Text() + rand.Text())[:length]
		return random, os.WriteFile(path, []byte(random+"\n"), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}
