package django

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// pythons are the names that a Python may have.
var pythons = []string{"python3", "python", "py", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"}

// usable is a script that fails if its Python cannot run Django 5.2 or make a virtual environment.
const usable = `
import sys
if sys.version_info < (3, 10):
    sys.exit("it is Python %d.%d" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError as e:
    sys.exit("%s (on Debian and Ubuntu: apt-get install python3-venv)" % e)
`

// findPython returns the first usable Python.
func findPython(ctx context.Context) (string, error) {
	var unfit []string
	for _, name := range pythons {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-I", "-c", usable).CombinedOutput()
		if err == nil {
			return path, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		unfit = append(unfit, fmt.Sprintf("\n    %s: %s", path, strings.TrimSpace(string(out))))
	}
	if len(unfit) == 0 {
		return "", errors.New("there is no Python: Django 5.2 needs 3.10 or later, see https://www.python.org/downloads/")
	}
	return "", errors.New("Django 5.2 needs Python 3.10 or later, with venv, but these were found:" + strings.Join(unfit, ""))
}
