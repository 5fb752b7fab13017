package swapfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback starts to write the content to the disk, and does not wait. ext4 and Btrfs do this
// themselves if a file is renamed over another, as Django's is, but not if two files are
// exchanged: then a loss of power would leave empty files.
func (t *temporary) startWriteback() {
	unix.SyncFileRange(int(t.handle.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}

// swap replaces current by t, unless the file is no longer current.
func swap(ctx context.Context, d Folder, path string, t *temporary, current *opened) error {
	if err := t.lease(); err != nil {
		return err
	}
	// This comes after the lease, which only the owner can take.
	if err := t.adopt(current.info); err != nil {
		return err
	}
	if err := d.unchanged(ctx, path, current); err != nil {
		return err
	}
	step("compared")
	if err := exchange(t.path, path); err != nil {
		return asTemporaryRemoved(err, path)
	}
	step("exchanged")
	out, err := os.Lstat(t.path)
	switch {
	case err != nil: // it is not known which version the exchange replaced
		return asUnknown(asTemporaryRemoved(err, path))
	case identical(out, current.info):
		return t.endLease()
	}
	return d.restoreReplaced(path, t)
}

// asUnknown wraps an error after the exchange as ErrUnknown, unless the file was deleted.
func asUnknown(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, pathless(err))
}

// asTemporaryRemoved replaces an fs.ErrNotExist by another error if the missing file is the
// temporary file, which another program has removed.
func asTemporaryRemoved(err error, path string) error {
	if _, there := os.Lstat(path); there == nil && errors.Is(err, fs.ErrNotExist) {
		return errors.New("the temporary file was removed by another program")
	}
	return err
}

// restoreReplaced copies another program's version, which the exchange has replaced, into t.
func (d Folder) restoreReplaced(path string, t *temporary) error {
	// The exchange must be finished even if the caller's context ends.
	theirs, err := d.open(context.Background(), t.path)
	if theirs != nil {
		defer theirs.close()
	}
	if err == nil {
		if err = t.copyFrom(&theirs.File); err == nil {
			t.endLease()
			return &ChangedError{&theirs.File}
		}
		t.copyFrom(&t.File) // an incomplete copy must not be read
	}
	if exchangeErr := t.exchangeBack(path); exchangeErr != nil {
		return asUnknown(exchangeErr)
	}
	t.endLease()
	return err
}

// copyFrom makes this file, which may have either name, a copy of another version. No other
// program can open it before the lease ends.
func (t *temporary) copyFrom(f *File) error {
	if _, err := t.handle.WriteAt(f.Data, 0); err != nil {
		return err
	}
	if err := t.handle.Truncate(int64(len(f.Data))); err != nil {
		return err
	}
	modTime, err := unix.TimeToTimespec(f.ModTime)
	if err != nil {
		return err
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, modTime}
	return unix.UtimesNanoAt(int(t.handle.Fd()), "", times, unix.AT_EMPTY_PATH)
}

// exchangeBack exchanges the files again, so that the replaced version gets its name back. If
// another program has put a newer version under the name meanwhile, exchangeBack exchanges once
// more, so that the newer version keeps the name.
func (t *temporary) exchangeBack(path string) error {
	ours, err := t.handle.Stat()
	if err != nil {
		return err
	}
	const maxWriters = 100 // each must have written within a few microseconds
	for range maxWriters {
		last, err := os.Lstat(t.path)
		if err != nil {
			return err
		}
		if err := exchange(t.path, path); err != nil {
			return err // the file was deleted meanwhile, and stays deleted
		}
		out, err := os.Lstat(t.path)
		if err != nil || os.SameFile(out, ours) {
			return err
		}
		ours = last
	}
	return errors.New("too many other programs write this file")
}

// lease takes a lease on the file: programs that open it wait. It fails if another program
// has the file open.
func (t *temporary) lease() error {
	fd := t.handle.Fd()
	// The kernel sends a signal if another program waits. SIGURG is a signal that the Go runtime
	// uses for itself, so an extra one has no effect.
	if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGURG)); err != nil {
		return unsupported(err)
	}
	switch _, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_WRLCK); {
	case errors.Is(err, unix.EAGAIN):
		return errOpened
	case err != nil:
		return unsupported(err)
	}
	return nil
}

// endLease ends the lease and closes the file. Closing alone does not end it while a child
// process that is being started still has the file.
func (t *temporary) endLease() error {
	unix.FcntlInt(t.handle.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // fails if the file has another owner: then closing ends it
	return t.handle.Close()
}

func exchange(a, b string) error { return rename(a, b, unix.RENAME_EXCHANGE) }

func renameNoReplace(from, to string) error { return rename(from, to, unix.RENAME_NOREPLACE) }

// renameat2 is a variable so that tests can make it fail.
var renameat2 = unix.Renameat2

func rename(from, to string, flag uint) error {
	switch err := renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flag); err {
	case nil:
		return nil
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM:
		// seccomp filters return EPERM. If the EPERM is about the file, the fallback's plain
		// rename returns it, too.
		return unsupported(err)
	default:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
}

func unsupported(err error) error { return fmt.Errorf("%w: %w", errors.ErrUnsupported, err) }
