package filestore_test

import (
	"os"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// A folder in memory does not list a file that was renamed since the listing began. Here all sessions are saved after the
// first one was yielded. A save renames a file. Still each session is yielded once.
func TestScanDuringSavesInMemory(t *testing.T) {
	const memory = "/dev/shm"
	parent := t.TempDir()
	if info, err := os.Stat(memory); err == nil && info.IsDir() {
		parent = memory
	}
	dir, err := os.MkdirTemp(parent, "djsess-sessions-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	store := open(t, filestore.Config{Dir: dir, Settings: fixture.Settings(t, djangotest.Newest)})
	ctx := t.Context()
	const n = 600 // the names are read in pages
	saved := map[string]*djsession.Record{}
	for range n {
		r, err := store.Create(ctx, "", fixture.Values(t, `{"a":1}`), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		saved[r.Key] = r
	}
	yielded := map[string]int{}
	for r, err := range store.Scan(ctx, djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(yielded) == 0 {
			for _, old := range saved {
				if _, err := store.Replace(ctx, old, fixture.Values(t, `{"a":2}`), time.Now().Add(time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
		}
		yielded[r.Key]++
	}
	if len(yielded) != n {
		t.Errorf("%d sessions of %d were yielded", len(yielded), n)
	}
	for key, times := range yielded {
		if times != 1 {
			t.Errorf("session %s was yielded %d times", djsession.ShortKey(key), times)
		}
	}
}
