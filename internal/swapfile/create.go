package swapfile

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

func (d Folder) create(name string, data []byte, modTime time.Time, like fs.FileInfo) (*File, error) {
	t, err := d.write(name, data, modTime)
	if err != nil {
		return nil, err
	}
	if like != nil {
		if err := t.giveTo(like); err != nil {
			t.discard()
			return nil, err
		}
	}
	path := d.path(name)
	err = renameNoReplace(t.path, path)
	if errors.Is(err, errors.ErrUnsupported) {
		err = createPlain(t.path, path)
	}
	if err != nil {
		t.discard()
		return nil, err
	}
	t.handle.Close()
	return &t.File, nil
}

// createPlain is how Django does it: an empty file takes the name first.
func createPlain(from, to string) error {
	placeholder, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	placeholder.Close()
	if err := os.Rename(from, to); err != nil {
		os.Remove(to)
		return err
	}
	return nil
}
