//go:build !linux

package swapfile

import (
	"errors"
	"os"
)

// openFile opens what is a regular file when it is looked at, just before.
func openFile(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, ErrNotRegular
	}
	return os.Open(path)
}

func (t *temporary) writeOut() {}

func swap(Folder, string, *temporary, *opened) error { return errors.ErrUnsupported }

func renameNoReplace(from, to string) error { return errors.ErrUnsupported }
