//go:build unix

package swapfile

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// openFile opens a file without waiting: not for a writer if the file is a pipe, and not for
// the end of somebody's lease, which is EAGAIN.
func openFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) { // a symbolic link, a socket
		return nil, ErrNotRegular
	}
	return f, err
}

// isLeased reports whether a file was not opened because somebody has a lease on it.
func isLeased(err error) bool { return errors.Is(err, unix.EAGAIN) }

// setTime sets the time of a file. If somebody put a symbolic link in its place, it does not
// follow that.
func setTime(path string, modTime time.Time) error {
	at, err := unix.TimeToTimespec(modTime)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
}
