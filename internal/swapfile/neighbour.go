package swapfile

import (
	"io/fs"
	"os"
	"sync/atomic"
)

// Neighbour is whose owner is to be the owner of new files, so that the site can use
// them. It remembers the first file that it finds.
type Neighbour struct {
	found atomic.Pointer[fs.FileInfo]
}

// In returns a file of the folder whose name is ours, or else the folder. It returns nil for
// a folder that everybody may write to, such as /tmp: anybody could have put the file there,
// so neither the file nor the folder shows who runs the site.
func (n *Neighbour) In(d Folder, ours func(name string) bool) fs.FileInfo {
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
			if !ours(e.Name()) || !e.Type().IsRegular() {
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
