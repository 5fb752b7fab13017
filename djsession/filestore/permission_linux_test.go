package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
	"github.com/djsess/djsess/internal/testing/nobody"
)

// If the process may not write to the folder, the error is an ErrReadOnly. A file that it may
// not read is neither an empty session nor an ErrNotFound.
func TestRights(t *testing.T) {
	store := newStore(t)
	r := create(t, store, "readable", `{"a":1}`)
	secret := create(t, store, "unreadable", `{"a":1}`)
	if err := errors.Join(os.Chmod(filepath.Dir(store.Dir()), 0o755), os.Chmod(path(store, r.Key), 0o444), os.Chmod(path(store, secret.Key), 0), os.Chmod(store.Dir(), 0o555)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(store.Dir(), 0o700) })
	nobody.Run(func() {
		for op, err := range each(t.Context(), store, r) {
			reads := op == "load" || op == "scan"
			if reads && op == "load" && err != nil || !reads && !errors.Is(err, djsession.ErrReadOnly) || err != nil && strings.Contains(err.Error(), store.Dir()) {
				t.Errorf("%s: %v", op, err)
			}
		}
		_, err := store.Load(t.Context(), secret.Key)
		if err == nil || errors.Is(err, djsession.ErrNotFound) || errors.As(err, new(*djsession.PayloadError)) || !errors.Is(err, os.ErrPermission) {
			t.Errorf("unreadable: %v", err)
		}
		found, bad := scan(t, store, djsession.Range{})
		if len(found) != 1 || len(bad) != 1 || bad[0] != secret.Key {
			t.Errorf("scan: %q, %q", found, bad)
		}
	})
	if os.Getuid() != 0 {
		return // who is not root has no other user's files
	}
	if err := os.Chmod(store.Dir(), 0o777); err != nil {
		t.Fatal(err)
	}
	nobody.Run(func() {
		_, err := store.Replace(t.Context(), r, fixture.Values(t, `{}`), time.Time{})
		if !errors.Is(err, djsession.ErrReadOnly) || !strings.Contains(err.Error(), "belongs to user 0,") {
			t.Errorf("file of another user: %v", err)
		}
	})
}

// The site can use the files that root creates.
func TestRootsFilesAreTheSites(t *testing.T) {
	if os.Getuid() != 0 {
		return
	}
	const folders, sessions = 65531, 65532
	store := newStore(t)
	if err := os.Chown(store.Dir(), folders, folders); err != nil {
		t.Fatal(err)
	}
	owner := func(key string) int {
		info, err := os.Stat(path(store, key))
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Sys().(*syscall.Stat_t).Uid)
	}
	first := create(t, store, "", `{}`).Key
	if got := owner(first); got != folders {
		t.Errorf("the first one is user %d's", got)
	}
	if err := os.Chown(path(store, first), sessions, sessions); err != nil {
		t.Fatal(err)
	}
	if got := owner(create(t, store, "", `{}`).Key); got != sessions {
		t.Errorf("the next one is user %d's", got)
	}
	if _, err := djsession.Update(t.Context(), store, first, edit.Set("a", 1)); err != nil || owner(first) != sessions {
		t.Errorf("changed, it is user %d's, %v", owner(first), err)
	}
}
