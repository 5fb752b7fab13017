package djangotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// missing ends a test that needs a peer which is not installed: a developer may go on without it, CI may not.
func missing(t testing.TB, what string) {
	t.Helper()
	const cure = "run `make test` or testdata/install"
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", what, cure)
	}
	t.Skipf("%s is missing: %s", what, cure)
}

// peers is the folder where testdata/install keeps what it installs.
func peers() (string, error) {
	if dir := os.Getenv("DJSESS_PEERS"); dir != "" {
		return dir, nil
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "djsess", "peers"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".cache", "djsess", "peers"), err
}

// find returns the path of a program, from PATH or from one of the folders where systems keep servers; "" if there
// is none. Folders may be patterns: the last match, the newest version, counts.
func find(name string, folders ...string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, folder := range folders {
		matches, _ := filepath.Glob(filepath.Join(folder, name))
		if len(matches) > 0 {
			return matches[len(matches)-1]
		}
	}
	return ""
}
