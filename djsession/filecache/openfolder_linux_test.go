package filecache_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/internal/testing/nobody"
)

// In a folder that everybody may write to, a stranger's file is not read as a session, since
// nothing is signed. No session is written into it, and it does not prevent new sessions.
func TestOpenFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		return // who is not root makes no other user's files
	}
	ctx := t.Context()
	c := open(t, filecache.Config{MaxEntries: 2})
	forged := add(t, c, key, "forged")
	if err := errors.Join(os.Chown(path(c, key), nobody.ID, nobody.ID), os.Chmod(path(c, key), 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, key); err != nil {
		t.Errorf("in a folder of the site's own: %v", err)
	}
	if err := errors.Join(os.Chmod(filepath.Dir(c.Dir()), 0o755), os.Chmod(c.Dir(), os.ModeSticky|0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, key); !errors.As(err, new(*djsession.PayloadError)) || !strings.Contains(err.Error(), "everybody may write") {
		t.Errorf("get: %v", err)
	}
	if _, err := c.Swap(ctx, key, forged, []byte("private"), time.Hour); !errors.Is(err, djsession.ErrReadOnly) {
		t.Errorf("swap: %v", err)
	}
	if _, err := c.Add(ctx, key, []byte("private"), time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
		t.Errorf("add: %v", err)
	}
	for _, k := range []string{"first", "second", "third", "fourth"} { // and none is culled for the others
		add(t, c, k, "x")
	}
	for _, k := range []string{"first", "second", "third", "fourth"} {
		if _, err := c.Get(ctx, k); err != nil {
			t.Errorf("%s: %v", k, err)
		}
		info, err := os.Stat(path(c, k))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 0 || info.Mode() != 0o600 {
			t.Errorf("%s is user %d's, %v", k, owner, info.Mode())
		}
	}
	if err := c.Delete(ctx, key); err != nil {
		t.Error(err)
	}
}
