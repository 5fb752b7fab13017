package swapfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

func (d Folder) removeUnchanged(ctx context.Context, name string, old *File) error {
	current, unlock, err := d.lockOpen(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	defer current.close()
	if !current.equal(old) {
		return &ChangedError{&current.File}
	}
	path := d.path(name)
	if err := d.unchanged(ctx, path, current); err != nil {
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
	return d.changed(ctx, path)
}
