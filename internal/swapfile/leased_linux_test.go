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

// kernel is a part of the 45 seconds after which the kernel ends a lease. A call that takes this
// long has waited for the kernel.
const kernel = 20 * time.Second

// leased starts another process that takes a lease on the file.
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

// A call does not wait for another process's lease longer than its context allows.
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

// A call that waits for a lease does not block other calls, not even calls that write the same file.
func TestLeaseBlocksNoOtherCall(t *testing.T) {
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
	time.Sleep(50 * time.Millisecond) // until the call waits
	if err := d.Remove(t.Context(), name); err != nil || time.Since(start) > kernel {
		t.Errorf("%v after %v", err, time.Since(start))
	}
	cancel()
	if err := <-replaced; err == nil {
		t.Error("a file that was removed was replaced")
	}
}

// A call does not wait for a stranger's lease: a scan could meet thousands of them.
func TestStrangersLease(t *testing.T) {
	if os.Geteuid() != 0 {
		return // only root can create files of other users
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
