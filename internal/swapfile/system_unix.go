//go:build unix

package swapfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// openFile opens a file without waiting. It does not wait for a writer if the file is a pipe. If
// another program has a lease on the file, the error is EAGAIN.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) { // a symbolic link, a socket
		return nil, ErrNotRegular
	}
	return f, err
}

// isLeased reports whether a file was not opened because another program has a lease on it.
func isLeased(err error) bool { return errors.Is(err, unix.EAGAIN) }

// setTime sets the time of a file. It does not follow a symbolic link that another user may have
// put in the file's place.
func setTime(path string, modTime time.Time) error {
	at, err := unix.TimeToTimespec(modTime)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}

// ownerOf returns the number of the user who owns a file.
func ownerOf(file fs.FileInfo) int { return int(file.Sys().(*syscall.Stat_t).Uid) }

// adopt gives the new version the owner and mode of the old one, so that the same users can
// use it.
func (t *temporary) adopt(old fs.FileInfo) error {
	info, err := t.handle.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	mode := old.Mode().Perm()&0o666 | 0o600
	if old.Size() == 0 {
		mode = 0o600 // Django's placeholder has the mode that the umask leaves
	}
	sameUser, sameGroup := was.Uid == is.Uid, was.Gid == is.Gid
	if !sameUser && t.handle.Chown(int(was.Uid), int(was.Gid)) == nil {
		sameUser, sameGroup = true, true
	}
	if !sameGroup && t.handle.Chown(-1, int(was.Gid)) != nil {
		mode &^= 0o060 // it would be for another group
	}
	const group, others = 0o060, 0o006
	if !sameUser && mode&group != group && mode&others != others {
		return &OwnerError{UID: int(was.Uid)}
	}
	if mode == 0o600 {
		return nil
	}
	return t.handle.Chmod(mode)
}

// giveTo gives a new file the owner of another file, which only root can do. If this process
// cannot, it returns an OwnerError: that owner could not use the new file.
func (t *temporary) giveTo(like fs.FileInfo) error {
	owner, ok := like.Sys().(*syscall.Stat_t)
	switch {
	case !ok || int(owner.Uid) == os.Geteuid():
		return nil
	case os.Geteuid() == 0:
		return t.handle.Chown(int(owner.Uid), int(owner.Gid))
	}
	return &OwnerError{UID: int(owner.Uid)}
}
