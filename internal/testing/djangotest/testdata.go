package djangotest

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Testdata is the path of something in the repository's testdata folder. A test runs in the folder of its package: the
// repository begins above, where go.mod is.
func Testdata(t testing.TB, parts ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(append([]string{dir, "testdata"}, parts...)...)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod here or above")
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

// Vectors are the cases of these kinds (none named: all) that a Django version wrote: one of Versions, or 6.1.
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
