package main

import (
	"database/sql"
	"os"
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
	database := filepath.Join(b.TempDir(), "db.sqlite3")
	data, err := os.ReadFile(djangotest.Testdata(b, "django-5.2", "db.sqlite3"))
	if err == nil {
		err = os.WriteFile(database, data, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+database)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	// The sessions of the file expire in 2036, and both programs have the real clock.
	if _, err := db.Exec("UPDATE django_session SET expire_date = '2999-01-01 00:00:00'"); err != nil {
		b.Fatal(err)
	}

	run := func(name string, args ...string) func() {
		return func() {
			if out, err := exec.Command(filepath.Join(bin, name), args...).CombinedOutput(); err != nil {
				b.Fatalf("%s: %v\n%s", name, err, out)
			}
		}
	}
	benchratio.Run(b, "bare", run("bareget", database, row.Key), run("djsess", "get", row.Key, "--store", "sqlite:///"+database))
}
