package swapfile

import (
	"io/fs"
	"os"
)

// In a folder that everybody may write to, such as /tmp, anybody can put files. There
// nothing is learned from a stranger's file, and no session is written into one, since its
// owner could read it. A stranger is any user but three: this process's user, root and the
// folder's owner, who can do anything in the folder anyway.

// IsOpenToAll reports whether everybody may write to the folder. It returns true if that is
// not known.
func (d Folder) IsOpenToAll() bool {
	info, err := os.Stat(d.Path)
	return err != nil || isOpenToAll(info)
}

func isOpenToAll(folder fs.FileInfo) bool {
	const writeByAll = 0o002
	return folder.Mode().Perm()&writeByAll != 0
}

// isStrangers reports whether a file belongs to a stranger.
func (d Folder) isStrangers(file fs.FileInfo) bool {
	owner := ownerOf(file)
	if owner == os.Geteuid() || owner == 0 {
		return false
	}
	folder, err := os.Stat(d.Path)
	return err != nil || isOpenToAll(folder) && owner != ownerOf(folder)
}
