package main

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// BenchmarkJobs runs the long jobs as processes, on as many sessions as $DJSESS_BENCH_SESSIONS says ("10000,1000000"), and reports
// the most memory that each took. It must not depend on the number of sessions.
func BenchmarkJobs(b *testing.B) {
	settings, err := djsession.NewSettings("6.1", "a-secret-key-of-this-test")
	if err != nil {
		b.Fatal(err)
	}
	postgres := djangotest.Postgres(b)
	db, err := storeurl.Open(postgres.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.(*dbstore.Store).CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, n := range benchratio.Sizes(b) {
		folder := b.TempDir()
		if _, err := db.(djsession.SQLStore).DB().Exec("TRUNCATE django_session"); err != nil {
			b.Fatal(err)
		}
		secret := filepath.Join(folder, "secret.txt")
		if err := os.WriteFile(secret, []byte("a-secret-key-of-this-test\n"), 0o600); err != nil {
			b.Fatal(err)
		}
		next := filepath.Join(folder, "next.txt")
		if err := os.WriteFile(next, []byte("the-next-secret-key\na-secret-key-of-this-test\n"), 0o600); err != nil {
			b.Fatal(err)
		}
		emptyDatabase(b, folder, "old.sqlite3", settings)
		fillDatabase(b, filepath.Join(folder, "old.sqlite3"), settings, n)
		emptyDatabase(b, folder, "new.sqlite3", settings)
		emptyDatabase(b, folder, "imported.sqlite3", settings)
		for _, job := range []struct {
			name string
			args []string
		}{
			{"migrate", []string{"migrate", "--from", "sqlite:///old.sqlite3", "--to", "sqlite:///new.sqlite3", "--journal", "journal"}},
			{"migrate --verify", []string{"migrate", "--verify", "--from", "sqlite:///old.sqlite3", "--to", "sqlite:///new.sqlite3"}},
			{"export", []string{"export", "sessions.jsonl.zst", "--force", "--store", "sqlite:///old.sqlite3"}},
			{"import", []string{"import", "sessions.jsonl.zst", "--store", "sqlite:///imported.sqlite3"}},
			{"list", []string{"list", "--user", "42", "--store", "sqlite:///old.sqlite3"}},
			{"list sorted", []string{"list", "--sort=-size", "--limit", "100", "--store", "sqlite:///old.sqlite3"}},
			{"stats", []string{"stats", "--store", "sqlite:///old.sqlite3"}},
			{"verify", []string{"verify", "--store", "sqlite:///old.sqlite3"}},
			{"rotate", []string{"rotate", "--leave-hashes", "--accept-new-key", "--secret-key-file", next, "--store", "sqlite:///new.sqlite3"}},
			{"revoke", []string{"revoke", "--user", "42", "--yes", "--store", "sqlite:///new.sqlite3", "--secret-key-file", next}},
			{"migrate to PostgreSQL", []string{"migrate", "--from", "sqlite:///old.sqlite3", "--to", postgres.URL, "--journal", "journal-postgres"}},
			{"list in PostgreSQL", []string{"list", "--user", "42", "--store", postgres.URL}},
			{"stats in PostgreSQL", []string{"stats", "--store", postgres.URL}},
			{"verify in PostgreSQL", []string{"verify", "--store", postgres.URL}},
			{"revoke in PostgreSQL", []string{"revoke", "--user", "42", "--yes", "--store", postgres.URL}},
			{"clear-expired in PostgreSQL", []string{"clear-expired", "--store", postgres.URL}},
		} {
			b.Run(fmt.Sprintf("%s/%d", job.name, n), func(b *testing.B) {
				for range b.N {
					cmd := &exec.Cmd{Path: must(os.Executable()), Dir: folder, Args: append([]string{"djsess", "--secret-key-file", secret}, job.args...)}
					start := time.Now()
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v\n%s", err, out)
					}
					usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(usage.Maxrss)/1024, "MiB")
					b.ReportMetric(float64(time.Since(start).Microseconds())/float64(n), "µs/session")
				}
			})
		}
	}
}

// fillDatabase stores n sessions: some of users, and one in a hundred with a large cart.
func fillDatabase(b *testing.B, path string, settings *djsession.Settings, n int) {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	codec, err := djsession.NewCodec(settings)
	if err != nil {
		b.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	insert, err := tx.Prepare("INSERT INTO django_session VALUES (?, ?, ?)")
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		v := new(djsession.Values)
		lines := 1
		if i%100 == 0 {
			lines = 200
		}
		text := fmt.Sprintf(`{"_auth_user_id":"%d","_auth_user_hash":"%064x","cart":[%s]}`, i%100_000, i, strings.Repeat(`{"quantity":1,"price":"9.50"},`, lines-1)+"1")
		if err := v.UnmarshalPythonJSON(text); err != nil {
			b.Fatal(err)
		}
		payload, err := codec.Append(nil, v)
		if err == nil {
			_, err = insert.Exec(djsession.NewKey(), string(payload), time.Now().Add(24*time.Hour).UTC().Format("2006-01-02 15:04:05.000000"))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}
