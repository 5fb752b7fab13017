package main

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A migrate that is killed ten times and run again moves every session, once, and no user who has logged out in between. Two
// shards run at once, and each is killed in turn.
func TestMigrateKilled(t *testing.T) {
	djangotest.NotShort(t, "it starts many processes")
	const sessions = 4000
	kills := killings()
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret.txt")
	if err := os.WriteFile(secret, []byte("a-secret-key-of-this-test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := djsession.NewSettings("6.1", "a-secret-key-of-this-test")
	if err != nil {
		t.Fatal(err)
	}
	source, target := emptyDatabase(t, folder, "old.sqlite3", settings), emptyDatabase(t, folder, "new.sqlite3", settings)
	want := storeNumbers(t, source, sessions)
	shard := func(i int) *exec.Cmd {
		return &exec.Cmd{Path: must(os.Executable()), Dir: folder, Stderr: os.Stderr, Args: []string{"djsess", "migrate", "--secret-key-file", secret,
			"--from", "sqlite:///old.sqlite3", "--to", "sqlite:///new.sqlite3", "--workers", "1",
			"--shard", fmt.Sprintf("%d/2", i), "--journal", filepath.Join(folder, fmt.Sprint("journal", i))}}
	}
	logOut := func() {
		for key := range want {
			for _, store := range []storeurl.Store{target, source, target} { // as the transition engine does
				if err := store.Delete(t.Context(), key); err != nil && !errors.Is(err, djsession.ErrNotFound) {
					t.Fatal(err)
				}
			}
			delete(want, key)
			if rand.IntN(10) == 0 {
				return
			}
		}
	}
	killed := 0
	for n := range kills {
		victim, other := shard(n%2+1), shard(2-n%2)
		victim.Stderr, other.Stderr = nil, nil
		for _, cmd := range []*exec.Cmd{victim, other} {
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		logOut()
		victim.Process.Kill()
		if err := victim.Wait(); err != nil {
			killed++
		}
		if n < kills/2 {
			other.Process.Kill()
		}
		other.Wait() // it may have been killed, or have finished
	}
	t.Logf("%d of %d were still running when they were killed", killed, kills)
	for i := range 2 {
		if err := shard(i + 1).Run(); err != nil {
			t.Fatal(err)
		}
	}
	wantNumbers(t, target, want)
}

// An import that is killed ten times, or interrupted, and run again inserts every session once.
func TestImportKilled(t *testing.T) {
	djangotest.NotShort(t, "it starts many processes")
	const sessions = 4000
	kills := killings()
	folder := t.TempDir()
	const secret = "a-secret-key-of-this-test"
	settings, err := djsession.NewSettings("6.1", secret)
	if err != nil {
		t.Fatal(err)
	}
	source := djsessiontest.NewStore(settings)
	want := storeNumbers(t, source, sessions)
	file, err := os.Create(filepath.Join(folder, "sessions.jsonl.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := ops.Export(t.Context(), file, source, ops.ExportOptions{Zstd: true}); err != nil {
		t.Fatal(err)
	}
	target := emptyDatabase(t, folder, "new.sqlite3", settings)
	start := func() *exec.Cmd {
		cmd := &exec.Cmd{Path: must(os.Executable()), Dir: folder, Env: append(os.Environ(), "DJANGO_SECRET_KEY="+secret),
			Args: []string{"djsess", "import", file.Name(), "--store", "sqlite:///new.sqlite3"}}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	ended := map[string]int{}
	for n := range kills {
		cmd := start()
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		if n == kills/2 {
			cmd.Process.Signal(os.Interrupt)
		} else {
			cmd.Process.Kill()
		}
		cmd.Wait()
		ended[cmd.ProcessState.String()]++
	}
	t.Log("the runs ended so:", ended)
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	wantNumbers(t, target, want)
}

// A clear-expired that is killed in the middle, and run again, two at a time, removes what has
// expired and nothing else.
func TestClearExpiredKilled(t *testing.T) {
	djangotest.NotShort(t, "it starts many processes")
	const live, expired = 200, 20_000
	kills := killings()
	folder := t.TempDir()
	const secret = "a-secret-key-of-this-test"
	settings, err := djsession.NewSettings("6.1", secret)
	if err != nil {
		t.Fatal(err)
	}
	store := emptyDatabase(t, folder, "site.sqlite3", settings)
	want := storeNumbers(t, store, live)
	db := store.(djsession.SQLStore).DB()
	if _, err := db.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO django_session SELECT 'expired' || i, 'x', '2020-01-01 00:00:' || printf('%02d', i % 60) FROM n`, expired); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		return &exec.Cmd{Path: must(os.Executable()), Dir: folder, Env: append(os.Environ(), "DJANGO_SECRET_KEY="+secret),
			Args: append([]string{"djsess", "clear-expired", "--store", "sqlite:///site.sqlite3"}, args...)}
	}
	start := func(args ...string) *exec.Cmd {
		cmd := command(args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	stored := func() (n int) {
		if err := db.QueryRow("SELECT COUNT(*) FROM django_session").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	killed := 0
	for range kills {
		both := []*exec.Cmd{start("--batch", "40", "--max-rate", "2000"), start("--batch", "40", "--max-rate", "2000")}
		ended := make(chan error, len(both))
		for _, cmd := range both {
			go func() { ended <- cmd.Wait() }()
		}
		enough := stored() - 1 - rand.IntN(500)
		for len(ended) == 0 && stored() > enough {
			time.Sleep(time.Millisecond)
		}
		for _, cmd := range both {
			cmd.Process.Kill()
		}
		for range both {
			if <-ended != nil {
				killed++
			}
		}
	}
	if n := stored(); killed == 0 || n <= live || n == live+expired {
		t.Errorf("%d of %d were killed, and %d rows are left: want some to have been removed", killed, 2*kills, n)
	}
	interruptClear(t, command("--batch", "40", "--max-rate", "2000"), stored)
	for _, cmd := range []*exec.Cmd{start(), start()} {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if n := stored(); n != live {
		t.Errorf("%d rows are left, want %d", n, live)
	}
	wantNumbers(t, store, want)
}

// interruptClear ends a clear-expired by Ctrl-C. It finishes its batch, and its count is of all that it has removed.
func interruptClear(t *testing.T, cmd *exec.Cmd, stored func() int) {
	t.Helper()
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	before := stored()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for stored() == before {
		time.Sleep(time.Millisecond)
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	removed := before - stored()
	for _, want := range []string{fmt.Sprintf("%12s expired sessions removed\n", thousands(int64(removed))),
		"djsess: stopped before the end; what was removed stays removed", "djsess: interrupted\n"} {
		if cmd.ProcessState.ExitCode() != failed || !strings.Contains(said.String(), want) {
			t.Errorf("%d rows are gone, and %v: it printed\n%s\nwant %q", removed, cmd.ProcessState, said.String(), want)
		}
	}
}

// storeNumbers stores n sessions that hold the numbers from 0. It returns them by their keys.
func storeNumbers(t *testing.T, store djsession.Store, n int) map[string]int {
	t.Helper()
	stored := map[string]int{}
	for i := range n {
		v := new(djsession.Values)
		if err := v.Set("n", i); err != nil {
			t.Fatal(err)
		}
		r, err := store.Create(t.Context(), "", v, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		stored[r.Key] = i
	}
	return stored
}

// wantNumbers checks that a store has these sessions and no others, each of them once.
func wantNumbers(t *testing.T, store storeurl.Store, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for r, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
		var n int
		if err == nil {
			err = r.Values.Get("n", &n)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := got[r.Key]; twice {
			t.Errorf("session %s is there twice", r.Key)
		}
		got[r.Key] = n
	}
	for key, n := range want {
		if m, ok := got[key]; !ok || m != n {
			t.Errorf("session %d is not in the store as it should be: %d, %v", n, m, ok)
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("session %s has logged out, and is in the store", key)
	}
}

// emptyDatabase makes a database that Django has migrated and that has no sessions.
func emptyDatabase(t testing.TB, folder, name string, settings *djsession.Settings) storeurl.Store {
	t.Helper()
	path := filepath.Join(folder, name)
	data, err := os.ReadFile(database)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err == nil {
		_, err = db.Exec("DELETE FROM django_session")
		db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	store, err := storeurl.Open("sqlite:///"+filepath.ToSlash(path), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// killings returns how often a test kills a job: ten times with make test-all.
func killings() int {
	if djangotest.Everything() {
		return 10
	}
	return 2
}
