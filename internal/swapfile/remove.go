package swapfile

import (
	"errors"
	"io/fs"
	"os"
)

func (d Folder) removeUnchanged(name string, old *File) error {
	defer d.lock(name)()
	path := d.path(name)
	current, err := d.open(path)
	if current != nil {
		defer current.close()
	}
	switch {
	case err != nil:
		return err
	case !current.equal(old):
		return &ChangedError{&current.File}
	}
	if err := d.unchanged(path, current); err != nil {
		return err
	}
	step("compared")
	away := d.temporaryPath(name)
	err = renameNoReplace(path, away)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return os.Remove(path)
	case err != nil:
		return err
	}
	step("taken away")
	out, err := os.Lstat(away)
	if err == nil && identical(out, current.info) {
		return os.Remove(away)
	}
	// A stranger's. One that has come after it is newer.
	if err := renameNoReplace(away, path); errors.Is(err, fs.ErrExist) {
		os.Remove(away)
	} else if err != nil {
		return err
	}
	return d.changed(path)
}
