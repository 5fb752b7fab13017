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
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/internal/testing/nobody"
)

// If the process may not write to the folder, the error is an ErrReadOnly. A file that it may
// not read is not an ErrNotFound.
func TestRights(t *testing.T) {
	c, ctx := open(t, filecache.Config{}), t.Context()
	item, secret := add(t, c, key, "x"), "secret"
	add(t, c, secret, "x")
	err := errors.Join(os.Chmod(filepath.Dir(c.Dir()), 0o755), os.Chmod(path(c, key), 0o444), os.Chmod(path(c, secret), 0), os.Chmod(c.Dir(), 0o555))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(c.Dir(), 0o700) })
	nobody.Run(func() {
		_, addErr := c.Add(ctx, "new", nil, time.Hour)
		_, swapErr := c.Swap(ctx, key, item, nil, time.Hour)
		for op, err := range map[string]error{
			"add": addErr, "swap": swapErr, "delete": c.Delete(ctx, key), "delete unchanged": c.DeleteUnchanged(ctx, key, item),
		} {
			if !errors.Is(err, djsession.ErrReadOnly) || strings.Contains(err.Error(), c.Dir()) {
				t.Errorf("%s: %v", op, err)
			}
		}
		if _, err := c.Get(ctx, key); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(ctx, secret); !errors.Is(err, os.ErrPermission) || errors.Is(err, djsession.ErrNotFound) || errors.As(err, new(*djsession.PayloadError)) {
			t.Errorf("unreadable: %v", err)
		}
		good, bad := 0, 0
		for e, err := range c.Scan(ctx, cachestore.Range{}) {
			switch {
			case err == nil:
				good++
			case e != nil && errors.As(err, new(*djsession.PayloadError)):
				bad++
			default:
				t.Error(err)
			}
		}
		if good != 1 || bad != 1 {
			t.Errorf("scan: %d good, %d bad", good, bad)
		}
	})
}

// A file that root writes belongs to the user that the site runs as.
func TestOwner(t *testing.T) {
	if os.Getuid() != 0 {
		return // who is not root gives nothing away
	}
	c := open(t, filecache.Config{})
	if err := os.Chown(c.Dir(), nobody.ID, nobody.ID); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"first", "second"} {
		item := add(t, c, k, "x")
		if _, err := c.Swap(t.Context(), k, item, []byte("y"), time.Hour); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path(c, k))
		if err != nil {
			t.Fatal(err)
		}
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != nobody.ID {
			t.Errorf("%s is user %d's", k, owner)
		}
	}
}
