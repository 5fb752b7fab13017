package swapfile

import (
	"io/fs"
	"os"
)

// A folder that everybody may write to, such as /tmp, holds what anybody put there.
// There nothing is learned from a stranger's file, nor does a session go into one: its
// owner could read it. A stranger is who is neither we nor root nor the folder's owner,
// who may do as they like there anyway.

// IsOpenToAll tells whether everybody may write to the folder, and when that is not
// known.
func (d Folder) IsOpenToAll() bool {
	info, err := os.Stat(d.Path)
	return err != nil || isOpenToAll(info)
}

func isOpenToAll(folder fs.FileInfo) bool {
	const writeByAll = 0o002
	return folder.Mode().Perm()&writeByAll != 0
}

// isStrangers tells whether a file is a stranger's.
func (d Folder) isStrangers(file fs.FileInfo) bool {
	owner := ownerOf(file)
	if owner == os.Geteuid() || owner == 0 {
		return false
	}
	folder, err := os.Stat(d.Path)
	return err != nil || isOpenToAll(folder) && owner != ownerOf(folder)
}
