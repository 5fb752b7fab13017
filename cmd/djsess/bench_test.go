package main

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// BenchmarkGet is the whole process, beside one that only opens the database and
// reads the row.
func BenchmarkGet(b *testing.B) {
	bin := b.TempDir()
	build := exec.Command("go", "build", "-o", bin, ".", "./testdata/bareget")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var meta struct {
		SecretKey string `json:"secret_key"`
	}
	djangotest.Vectors(b, "5.2", "meta")[0].Decode(b, &meta)
	b.Setenv("DJANGO_SECRET_KEY", meta.SecretKey)
	var row struct{ Key string }
	djangotest.Vectors(b, "5.2", "row")[0].Decode(b, &row)
	database := djangotest.Testdata(b, "django-5.2", "db.sqlite3")

	run := func(name string, args ...string) func() {
		return func() {
			if out, err := exec.Command(filepath.Join(bin, name), args...).CombinedOutput(); err != nil {
				b.Fatalf("%s: %v\n%s", name, err, out)
			}
		}
	}
	benchratio.Run(b, "bare", run("bareget", database, row.Key), run("djsess", "get", row.Key, "--store", "sqlite:///"+database))
}
