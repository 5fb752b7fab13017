package djangotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Python is the path of a Python that has this version of Django, for a test that runs a site of its own.
func Python(t testing.TB, version string) string {
	t.Helper()
	dir, err := peers()
	if err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(dir, "django-"+version)
	if _, err := os.Stat(filepath.Join(env, "stamp")); err != nil { // Without its stamp it is half installed.
		missing(t, "Django "+version)
	}
	return filepath.Join(env, "bin", "python")
}

// NeedModule is for a test of what an environment may be without: pylibmc, which has to be built on some machines.
func NeedModule(t testing.TB, version, name string) {
	t.Helper()
	if err := exec.Command(Python(t, version), "-I", "-c", "import "+name).Run(); err != nil {
		missing(t, name+" for Django "+version)
	}
}
