//go:build unix

package swapfile

import (
	"io/fs"
	"os"
	"syscall"
)

// ownerOf returns the number of the user who owns a file.
func ownerOf(file fs.FileInfo) int { return int(file.Sys().(*syscall.Stat_t).Uid) }

// adopt gives the new version owner and mode of the old one, so that whoever
// could use that one can use this one.
func (t *temporary) adopt(old fs.FileInfo) error {
	info, err := t.handle.Stat()
	if err != nil {
		return err
	}
	was, is := old.Sys().(*syscall.Stat_t), info.Sys().(*syscall.Stat_t)
	mode := old.Mode().Perm()&0o666 | 0o600
	if old.Size() == 0 {
		mode = 0o600 // Django's placeholder has whatever the umask leaves
	}
	sameUser, sameGroup := was.Uid == is.Uid, was.Gid == is.Gid
	if !sameUser && t.handle.Chown(int(was.Uid), int(was.Gid)) == nil {
		sameUser, sameGroup = true, true
	}
	if !sameGroup && t.handle.Chown(-1, int(was.Gid)) != nil {
		mode &^= 0o060 // another group was meant
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

// giveTo gives a new file the owner of another, which root can. Anybody else's would
// be of no use to that owner.
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
