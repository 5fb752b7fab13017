package swapfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// writeOut starts to write the content to the disk, and does not wait. ext4 and
// Btrfs do it themselves when a file is renamed over another, as Django's is, but
// not when two are exchanged: and a loss of power would then leave empty files.
func (t *temporary) writeOut() {
	unix.SyncFileRange(int(t.handle.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
}

// swap makes t the file if that is still current, and else leaves there what is.
func swap(ctx context.Context, d Folder, path string, t *temporary, current *opened) error {
	if err := t.lease(); err != nil {
		return err
	}
	// After the lease, which only the owner can take.
	if err := t.adopt(current.info); err != nil {
		return err
	}
	if err := d.unchanged(ctx, path, current); err != nil {
		return err
	}
	step("compared")
	if err := exchange(t.path, path); err != nil {
		return notTheTemporary(err, path)
	}
	step("exchanged")
	out, err := os.Lstat(t.path)
	switch {
	case err != nil: // it is not known what the exchange has taken out
		return unknown(notTheTemporary(err, path))
	case identical(out, current.info):
		return t.endLease()
	}
	return d.yield(path, t)
}

// unknown wraps an error after the exchange as ErrUnknown, unless the file was deleted.
func unknown(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnknown, pathless(err))
}

// notTheTemporary tells a file that is gone from a temporary one that is, because
// somebody tidies up.
func notTheTemporary(err error, path string) error {
	if _, there := os.Lstat(path); there == nil && errors.Is(err, fs.ErrNotExist) {
		return errors.New("the temporary file was removed by somebody else")
	}
	return err
}

// yield makes ours the version that came out for it, which is a stranger's.
func (d Folder) yield(path string, t *temporary) error {
	// Not with the caller's context: once begun, the exchange must be finished.
	theirs, err := d.open(context.Background(), t.path)
	if theirs != nil {
		defer theirs.close()
	}
	if err == nil {
		if err = t.become(&theirs.File); err == nil {
			t.endLease()
			return &ChangedError{&theirs.File}
		}
		t.become(&t.File) // what is half a copy must not be read
	}
	if swapErr := t.swapBack(path); swapErr != nil {
		return unknown(swapErr)
	}
	t.endLease()
	return err
}

// become makes this file, wherever it is by now, a copy of another. Nobody else
// has it open, nor can, before the lease ends.
func (t *temporary) become(f *File) error {
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

// swapBack gives the name back to what came out for ours. If that does not bring
// ours out again, it is a still newer version that does, and it goes in again.
func (t *temporary) swapBack(path string) error {
	ours, err := t.handle.Stat()
	if err != nil {
		return err
	}
	const plenty = 100 // of strangers, one every few microseconds
	for range plenty {
		last, err := os.Lstat(t.path)
		if err != nil {
			return err
		}
		if err := exchange(t.path, path); err != nil {
			return err // deleted meanwhile, and that stays
		}
		out, err := os.Lstat(t.path)
		if err != nil || os.SameFile(out, ours) {
			return err
		}
		ours = last
	}
	return fmt.Errorf("too many others write this file")
}

// lease makes whoever opens the file wait, except that nobody can who has it open.
func (t *temporary) lease() error {
	fd := t.handle.Fd()
	// Of those who wait the kernel tells by a signal. Go programs get this one
	// all the time, from their own scheduler, and make nothing of it.
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

// endLease lets the waiting go on. Closing the file does, too, but not while a
// child that is being started still has it.
func (t *temporary) endLease() error {
	unix.FcntlInt(t.handle.Fd(), unix.F_SETLEASE, unix.F_UNLCK) // not ours any more, perhaps: then closing does
	return t.handle.Close()
}

func exchange(a, b string) error { return rename(a, b, unix.RENAME_EXCHANGE) }

func renameNoReplace(from, to string) error { return rename(from, to, unix.RENAME_NOREPLACE) }

// renameat2 is a variable so that tests can take it away.
var renameat2 = unix.Renameat2

func rename(from, to string, flag uint) error {
	switch err := renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flag); err {
	case nil:
		return nil
	case unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM:
		// EPERM is what seccomp filters say. Where it is about the file, a
		// plain rename gets it as well.
		return unsupported(err)
	default:
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
}

func unsupported(err error) error { return fmt.Errorf("%w: %w", errors.ErrUnsupported, err) }
