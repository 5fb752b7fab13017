package swapfile

import (
	"io/fs"
	"os"
	"sync/atomic"
)

// Neighbour finds a file whose owner new files should have, so that the site can use them. It
// remembers the first file that it finds.
type Neighbour struct {
	found atomic.Pointer[fs.FileInfo]
}

// In returns a file of the folder for whose name isOurs returns true. If there is none, it
// returns the folder. It returns nil for a folder that everybody may write to: any user could
// have put the file there, so neither the file nor the folder shows which user runs the site.
func (n *Neighbour) In(d Folder, isOurs func(name string) bool) fs.FileInfo {
	folder, err := os.Stat(d.Path)
	if err != nil || isOpenToAll(folder) {
		return nil
	}
	if info := n.found.Load(); info != nil {
		return *info
	}
	dir, err := os.Open(d.Path)
	if err != nil {
		return nil
	}
	defer dir.Close()
	const batch = 1000
	for {
		entries, err := dir.ReadDir(batch)
		for _, e := range entries {
			if !isOurs(e.Name()) || !e.Type().IsRegular() {
				continue
			}
			if info, err := e.Info(); err == nil {
				n.found.Store(&info)
				return info
			}
		}
		if err != nil || len(entries) == 0 {
			return folder
		}
	}
}

// Any user can put files into a folder that everybody may write to, such as /tmp. There a
// stranger's file proves nothing, and no session is written into one, since its owner could
// read it. A stranger is any user except this process's user, root and the folder's owner,
// who can do anything in the folder anyway.

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
