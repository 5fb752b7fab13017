package filestore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// A stranger is a user who can write to the folder, as everybody can, and to nothing else.
const stranger = 65531

// openFolder is a store on a folder such as /tmp, with files that a stranger put there.
func openFolder(t *testing.T) *filestore.Store {
	store := newStore(t)
	if err := errors.Join(os.Chmod(filepath.Dir(store.Dir()), 0o755), os.Chmod(store.Dir(), os.ModeSticky|0o777)); err != nil {
		t.Fatal(err)
	}
	plant(t, store, "aaaaaaaa", func(path string) error { return os.WriteFile(path, []byte("x"), 0o666) })
	plant(t, store, "unreadable", func(path string) error { return os.WriteFile(path, nil, 0) })
	plant(t, store, "emptyemptyempty", func(path string) error { return os.WriteFile(path, nil, 0o666) })
	plant(t, store, "folderfolder", func(path string) error { return os.Mkdir(path, 0o777) })
	plant(t, store, "pipepipe", func(path string) error { return unix.Mkfifo(path, 0o666) })
	plant(t, store, "linklinklink", func(path string) error { return os.Symlink("/etc/passwd", path) })
	return store
}

var planted = []string{"aaaaaaaa", "unreadable", "emptyemptyempty", "folderfolder", "pipepipe", "linklinklink"}

func plant(t *testing.T, store *filestore.Store, key string, make func(path string) error) {
	t.Helper()
	p := path(store, key)
	if err := errors.Join(make(p), os.Lchown(p, stranger, stranger)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() && key != "unreadable" {
		os.Chmod(p, 0o666) // whatever the umask is
	}
}

// checkOpenFolder checks that a stranger's files neither receive a session nor prevent new ones.
func checkOpenFolder(t *testing.T, store *filestore.Store) {
	ctx := t.Context()
	r, err := store.Create(ctx, "", fixture.Values(t, `{"a":1}`), time.Time{})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	checkOurs(t, store, r.Key)
	if r, err = djsession.Update(ctx, store, r.Key, edit.Set("a", 2)); err != nil {
		t.Fatalf("update: %v", err)
	}
	checkOurs(t, store, r.Key)
	for _, key := range planted {
		if _, err := store.Create(ctx, key, fixture.Values(t, `{"a":1}`), time.Time{}); !errors.Is(err, djsession.ErrKeyTaken) {
			t.Errorf("create %s: %v", key, err)
		}
		if r, err := store.Load(ctx, key); err == nil || errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("load %s: %v, %v", key, r, err)
		}
		// As if it had been loaded: it is empty, and so verifies.
		old := &djsession.Record{Key: key, Values: new(djsession.Values)}
		if _, err := store.Replace(ctx, old, fixture.Values(t, `{"a":1}`), time.Time{}); err == nil {
			t.Errorf("replace %s: it was", key)
		}
	}
	found, bad := scan(t, store, djsession.Range{})
	if len(found) != 1 || len(bad) != len(planted) {
		t.Errorf("scan: %q, %q", found, bad)
	}
}

func checkOurs(t *testing.T, store *filestore.Store, key string) {
	t.Helper()
	info, err := os.Lstat(path(store, key))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() || info.Mode() != 0o600 {
		t.Errorf("the session's file is user %d's, %v", owner, info.Mode())
	}
}

// A folder that everybody may write to, as the default is.
func TestOpenFolder(t *testing.T) {
	const dir = "FILESTORE_OPEN_FOLDER"
	if d := os.Getenv(dir); d != "" {
		checkOpenFolder(t, open(t, filestore.Config{Dir: d, Settings: fixture.Settings(t, "5.2")}))
		return
	}
	if os.Geteuid() != 0 {
		return // who is not root makes no other user's files
	}
	t.Run("root", func(t *testing.T) { checkOpenFolder(t, openFolder(t)) })
	t.Run("site", func(t *testing.T) {
		const site = 65530
		store := openFolder(t)
		cmd := exec.Command(copyOfTests(t), "-test.run", "^TestOpenFolder$", "-test.v")
		cmd.Env = append(os.Environ(), dir+"="+store.Dir(), "HOME=/", "TMPDIR="+store.Dir())
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: site, Gid: site}}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestOpenFolder") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// copyOfTests is this program where any user can run it.
func copyOfTests(t *testing.T) string {
	dir := t.TempDir()
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(filepath.Join(dir, "tests"), os.O_WRONLY|os.O_CREATE, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close(), os.Chmod(to.Name(), 0o755), os.Chmod(dir, 0o755), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// No session is written into a stranger's file, even by root, who could give the new file to the
// stranger. In a folder that only the site may write to, root does that.
func TestStrangersFileIsNotReplaced(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	for mode, replaced := range map[os.FileMode]bool{0o755: true, os.ModeSticky | 0o777: false, 0o777: false} {
		store := newStore(t)
		r := create(t, store, "", `{"a":1}`)
		if err := errors.Join(os.Chown(path(store, r.Key), stranger, stranger), os.Chmod(store.Dir(), mode)); err != nil {
			t.Fatal(err)
		}
		// Its content is signed, so the file may be read, even if a stranger put it there.
		if _, err := store.Load(t.Context(), r.Key); err != nil {
			t.Errorf("%v: %v", mode, err)
		}
		_, err := djsession.Update(t.Context(), store, r.Key, edit.Set("a", "private"))
		switch {
		case replaced && err != nil, !replaced && !errors.Is(err, djsession.ErrReadOnly):
			t.Errorf("%v: %v", mode, err)
		case !replaced && !strings.Contains(err.Error(), "run as that user"):
			t.Errorf("%v: it does not say what to do: %v", mode, err)
		}
		if err := store.Delete(t.Context(), r.Key); err != nil { // a logout
			t.Errorf("%v: %v", mode, err)
		}
	}
}

// No operation waits for a lease longer than its context allows.
func TestLeasedFile(t *testing.T) {
	store := newStore(t)
	r := create(t, store, "", `{"a":1}`)
	f, err := os.OpenFile(path(store, r.Key), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETSIG, int(unix.SIGURG)); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = store.Load(ctx, r.Key)
	const kernel = 20 * time.Second // of the 45 after which the kernel ends a lease
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > kernel {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
