package swapfile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// kernel is how long the kernel lets those wait who open a file under a lease. A test
// that takes as long has waited for it.
const kernel = 20 * time.Second // of 45

// leased has somebody take a lease on the file.
func leased(t *testing.T, d Folder, name string) (end func()) {
	t.Helper()
	f, err := os.OpenFile(d.path(name), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETSIG, int(unix.SIGURG)); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

// Nobody waits for somebody else's lease longer than the caller's context.
func TestLeaseAndContext(t *testing.T) {
	for op, f := range map[string]func(ctx context.Context, d Folder, old *File) error{
		"read": func(ctx context.Context, d Folder, old *File) error { _, err := d.Read(ctx, name); return err },
		"replace": func(ctx context.Context, d Folder, old *File) error {
			_, err := d.Replace(ctx, name, old, nil, time.Now())
			return err
		},
		"remove unchanged": func(ctx context.Context, d Folder, old *File) error {
			return d.RemoveUnchanged(ctx, name, old)
		},
	} {
		d := newFolder(t)
		old := create(t, d, "one")
		end := leased(t, d, name)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		start := time.Now()
		err := f(ctx, d, old)
		cancel()
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || !isLeased(err) || took > kernel {
			t.Errorf("%s: %v after %v", op, err, took)
		}
		end()
		check(t, d, "one")
	}
}

// Who waits for a lease does not hold up others, not even those that write the same file.
func TestLeaseHoldsUpNobodyElse(t *testing.T) {
	d := newFolder(t)
	old := create(t, d, "one")
	leased(t, d, name)
	ctx, cancel := context.WithCancel(t.Context())
	replaced := make(chan error)
	go func() {
		_, err := d.Replace(ctx, name, old, nil, time.Now())
		replaced <- err
	}()
	start := time.Now()
	time.Sleep(50 * time.Millisecond) // until it waits
	if err := d.Remove(t.Context(), name); err != nil || time.Since(start) > kernel {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	cancel()
	if err := <-replaced; err == nil {
		t.Error("a file that was removed is replaced")
	}
}

// A stranger's lease is not waited for: there may be many, and a scan comes to them all.
func TestStrangersLease(t *testing.T) {
	if os.Geteuid() != 0 {
		return // who is not root makes no other user's files
	}
	d := newFolder(t)
	create(t, d, "one")
	if err := errors.Join(os.Chmod(filepath.Dir(d.Path), 0o755), os.Chmod(d.Path, 0o1777), os.Chown(d.path(name), 65531, 65531)); err != nil {
		t.Fatal(err)
	}
	leased(t, d, name)
	start := time.Now()
	if _, err := d.Read(t.Context(), name); !isLeased(err) || time.Since(start) > kernel {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}
