package ops_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A refusingTarget is a store that refuses writes between fault and mend.
type refusingTarget struct {
	url         string
	fault, mend func(*testing.T)
}

func readOnlyPostgres(t *testing.T) refusingTarget {
	database := djangotest.Postgres(t)
	db, err := sql.Open("postgres", database.URL+"?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	run := func(t *testing.T, statement string) {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)")
	readOnly := func(t *testing.T, value string) { // as when a replica takes over, all connections end
		run(t, "SET default_transaction_read_only = off; ALTER DATABASE "+database.Name+" SET default_transaction_read_only = "+value)
		run(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	}
	db.SetMaxOpenConns(1)
	return refusingTarget{database.URL, func(t *testing.T) { readOnly(t, "on") }, func(t *testing.T) { readOnly(t, "off") }}
}

// A target that is full or goes read-only half-way stops the job, which says where it was. What was inserted stays, and a
// rerun does the rest.
func TestTargetRefuses(t *testing.T) {
	redis := djangotest.Redis(t)
	onRedis := func(args ...string) func(*testing.T) {
		return func(t *testing.T) { redis.Do(t, args...) }
	}
	targets := map[string]refusingTarget{
		"redis is full":      {redis.URL, onRedis("CONFIG", "SET", "maxmemory", "1"), onRedis("CONFIG", "SET", "maxmemory", "0")},
		"redis is read-only": {redis.URL, onRedis("REPLICAOF", "127.0.0.1", "1"), onRedis("REPLICAOF", "NO", "ONE")},
	}
	if !testing.Short() {
		targets["postgres is read-only"] = readOnlyPostgres(t)
	}
	for name, test := range targets {
		t.Run(name, func(t *testing.T) {
			to := openWith(t, test.url, djangotest.Newest, nil)
			const n = 2000
			from := memory(t)
			keys := fill(t, from, n)
			broken := false
			options := ops.Migration{Journal: filepath.Join(t.TempDir(), "journal"), Job: ops.Job{Workers: 1, Progress: func(p ops.Progress) {
				if !broken && p.Written > 0 && p.Read < n {
					test.fault(t)
					broken = true
				}
			}}}
			first, err := ops.Migrate(t.Context(), from, to, options)
			if err == nil || first.Inserted == 0 || first.Inserted >= n || first.Failed > 0 {
				t.Fatalf("%+v, %v", first, err)
			}
			t.Log(err)
			test.mend(t)
			second, err := ops.Migrate(t.Context(), from, to, options)
			if err != nil || second.Kept < first.Inserted || second.Kept+second.Inserted != n {
				t.Fatalf("after %+v: %+v, %v", first, second, err)
			}
			for _, key := range keys {
				if !has(t, to, key) {
					t.Fatalf("session %s is not there", djsession.ShortKey(key))
				}
			}
		})
	}
}
