package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A rotate that is killed at any moment leaves every session as it was or as it shall be, and the next run finishes it. So does a
// convert: here it goes back and forth between pickle and JSON. The expiries do not move.
func TestRewriteKilled(t *testing.T) {
	djangotest.NotShort(t, "it runs the command 40 times")
	for _, command := range []string{"rotate", "convert"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			testRewriteKilled(t, command)
		})
	}
}

func testRewriteKilled(t *testing.T, command string) {
	const sessions = 400
	rounds := killings()
	folder := t.TempDir()
	settings, err := djsession.NewSettings("4.2", "key 0")
	if err != nil {
		t.Fatal(err)
	}
	settings.UseTZ = true
	keys, serializers := []string{"key 0"}, []string{"json", "pickle"}
	store := emptyDatabase(t, folder, "db.sqlite3", settings)
	want, ends := storeNumbers(t, store, sessions), expiries(t, store)
	start := func() *exec.Cmd {
		list, _ := json.Marshal(serializers)
		config := fmt.Sprintf("store = \"sqlite:///db.sqlite3?_pragma=synchronous(off)\"\n[settings]\nDJANGO_VERSION = \"4.2\"\nUSE_TZ = true\nSESSION_SERIALIZER = %s\n", list)
		if err := os.WriteFile(filepath.Join(folder, "djsess.toml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"djsess", command, "--leave-hashes", "--accept-new-key"}
		if command == "convert" {
			args = append(args, "--accept-new-form")
		}
		return &exec.Cmd{Path: must(os.Executable()), Args: args, Dir: folder,
			Env: append(os.Environ(), "DJANGO_SECRET_KEY="+keys[0], "DJANGO_SECRET_KEY_FALLBACKS="+strings.Join(keys[1:], ","))}
	}
	longest, killed := 100*time.Millisecond, 0
	for round := range rounds {
		if command == "rotate" {
			keys = []string{fmt.Sprint("key ", round+1), keys[0]}
		} else {
			serializers[0], serializers[1] = serializers[1], serializers[0]
		}
		victim := start()
		if err := victim.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(rand.N(longest), func() { victim.Process.Kill() })
		if victim.Wait() != nil {
			killed++
		}
		timer.Stop()
		began := time.Now()
		if out, err := start().CombinedOutput(); err != nil {
			t.Fatalf("rerun: %v\n%s", err, out)
		}
		longest = max(longest/2, 2*time.Since(began)/3)

		only := *settings // without the fallback, and the other serializer
		only.SecretKey = keys[0]
		if serializers[0] == "pickle" {
			only.SessionSerializer = djsession.PickleSerializer{}
		}
		store, err := storeurl.Open("sqlite:///"+filepath.ToSlash(filepath.Join(folder, "db.sqlite3")), &only)
		if err != nil {
			t.Fatal(err)
		}
		wantNumbers(t, store, want)
		for key, at := range expiries(t, store) {
			if !at.Equal(ends[key]) {
				t.Fatalf("round %d: a session ends %v, want %v", round, at, ends[key])
			}
		}
		store.Close()
	}
	t.Logf("killed %d of %d times", killed, rounds)
	if killed == 0 {
		t.Error("it was never killed")
	}
}

// expiries returns when each session of a store ends.
func expiries(t *testing.T, store djsession.Store) map[string]time.Time {
	t.Helper()
	ends := map[string]time.Time{}
	for r, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		ends[r.Key] = r.Expires
	}
	return ends
}
