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

// Testdata is the path of something in the repository's testdata folder. A test runs in the folder of its package: the
// repository begins above, where testdata/install is. (The examples are modules of their own.)
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

// A Vector is one case of a testdata/django-*/vectors.jsonl; testdata/README.md says which kinds have which fields.
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

// Vectors are the cases of these kinds (none named: all) that one of Releases wrote.
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
