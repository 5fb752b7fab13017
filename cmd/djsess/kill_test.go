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
// convert: here it goes back and forth between pickle and JSON.
func TestRewriteKilled(t *testing.T) {
	const sessions, rounds = 1200, 10
	djangotest.NotShort(t, "it runs the command 40 times")
	for _, command := range []string{"rotate", "convert"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			data, err := os.ReadFile(database)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "db.sqlite3")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			url := "sqlite:///" + filepath.ToSlash(file)
			keys := []string{"key 0"}
			serializers := []string{"json", "pickle"}
			open := func(keys []string, serializers []string) storeurl.Store {
				settings, err := djsession.NewSettings("4.2", keys[0])
				if err != nil {
					t.Fatal(err)
				}
				settings.SecretKeyFallbacks, settings.UseTZ = keys[1:], true
				if serializers[0] == "pickle" {
					settings.SessionSerializer = djsession.PickleSerializer{}
				}
				store, err := storeurl.Open(url, settings)
				if err != nil {
					t.Fatal(err)
				}
				return store
			}
			store := open(keys, serializers)
			if _, err := store.(djsession.SQLStore).DB().Exec(`DELETE FROM django_session`); err != nil {
				t.Fatal(err)
			}
			ends := map[string]time.Time{}
			for i := range sessions {
				v := new(djsession.Values)
				if err := v.Set("i", i); err != nil {
					t.Fatal(err)
				}
				r, err := store.Create(t.Context(), "", v, time.Now().Add(time.Hour+time.Duration(i)*time.Millisecond))
				if err != nil {
					t.Fatal(err)
				}
				ends[r.Key] = r.Expires
			}
			store.Close()

			run := func() *exec.Cmd {
				config, _ := json.Marshal(serializers)
				text := fmt.Sprintf("store = %q\n[settings]\nDJANGO_VERSION = \"4.2\"\nUSE_TZ = true\nSESSION_SERIALIZER = %s\n", url+"?_pragma=synchronous(off)", config)
				if err := os.WriteFile(filepath.Join(dir, "djsess.toml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				args := []string{command, "--leave-hashes", "--accept-new-key"}
				if command == "convert" {
					args = append(args, "--accept-new-form")
				}
				cmd := exec.Command("djsess", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "DJANGO_SECRET_KEY="+keys[0], "DJANGO_SECRET_KEY_FALLBACKS="+strings.Join(keys[1:], ","))
				return cmd
			}
			longest, killed := 200*time.Millisecond, 0
			for round := range rounds {
				if command == "rotate" {
					keys = []string{fmt.Sprint("key ", round+1), keys[0]}
				} else {
					serializers[0], serializers[1] = serializers[1], serializers[0]
				}
				cmd := run()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(rand.N(longest), func() { cmd.Process.Kill() })
				if cmd.Wait() != nil {
					killed++
				}
				timer.Stop()
				start := time.Now()
				if out, err := run().CombinedOutput(); err != nil {
					t.Fatalf("rerun: %v\n%s", err, out)
				}
				longest = max(longest/2, 2*time.Since(start)/3)

				store := open(keys[:1], serializers)
				n := 0
				for r, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
					if err != nil {
						t.Fatalf("round %d: %v", round, err)
					}
					if want, ours := ends[r.Key]; !ours || !r.Expires.Equal(want) || !r.Values.Has("i") {
						t.Fatalf("round %d: a session ends %v, want %v", round, r.Expires, want)
					}
					n++
				}
				store.Close()
				if n != sessions {
					t.Fatalf("round %d: %d sessions, want %d", round, n, sessions)
				}
			}
			t.Logf("killed %d of %d times", killed, rounds)
			if killed == 0 {
				t.Error("it was never killed")
			}
		})
	}
}
