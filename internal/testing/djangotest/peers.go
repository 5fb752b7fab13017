package djangotest

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// missing skips a test whose peer is not installed. In CI the test fails.
func missing(t testing.TB, what string) {
	t.Helper()
	const cure = "run `make test` or testdata/install"
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", what, cure)
	}
	t.Skipf("%s is missing: %s", what, cure)
}

// peers returns the folder that testdata/install installs into.
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

// find returns the path of a program on PATH or in a folder for servers, or "" if there is none. A folder may be a
// pattern, of which the last match counts: the newest version.
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

// Python returns the path of a Python with this version of Django, for a test that runs a site itself.
func Python(t testing.TB, version string) string {
	t.Helper()
	dir, err := peers()
	if err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(dir, "django-"+version)
	if _, err := os.Stat(filepath.Join(env, "stamp")); err != nil { // without its stamp, the installation was interrupted
		missing(t, "Django "+version)
	}
	return filepath.Join(env, "bin", "python")
}

// NeedModule skips a test if a Python module is not installed. It is for pylibmc, which some machines cannot build.
func NeedModule(t testing.TB, version, name string) {
	t.Helper()
	if err := exec.Command(Python(t, version), "-I", "-c", "import "+name).Run(); err != nil {
		missing(t, name+" for Django "+version)
	}
}

// Testdata returns the path of a file in the repository's testdata folder. A test runs in the folder of its package, so
// Testdata looks for testdata/install in the folders above. go.mod would not do: some examples have their own.
func Testdata(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "testdata", "install")); err == nil {
			return filepath.Join(append([]string{dir, "testdata"}, parts...)...)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no testdata/install here or above")
		}
		dir = filepath.Dir(dir)
	}
}

// A Vector is a case in a testdata/django-*/vectors.jsonl. testdata/README.md describes its kinds and their fields.
type Vector struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	text []byte
}

// Decode reads the vector's fields into a struct of the test's own.
func (v Vector) Decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(v.text, into); err != nil {
		t.Fatalf("vector %s %s: %v", v.Kind, v.Name, err)
	}
}

// Vectors returns the cases of these kinds, or of all, that one of Releases wrote.
func Vectors(t testing.TB, version string, kinds ...string) []Vector {
	t.Helper()
	f, err := os.Open(Testdata(t, "django-"+version, "vectors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var vectors []Vector
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		v := Vector{text: slices.Clone(lines.Bytes())}
		if err := json.Unmarshal(v.text, &v); err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		if len(kinds) == 0 || slices.Contains(kinds, v.Kind) {
			vectors = append(vectors, v)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", f.Name(), err)
	}
	return vectors
}
