package swapfile

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// temporary is a new version beside the file that it is for.
type temporary struct {
	File
	handle *os.File
	path   string
}

// temporaryPath is a name as Python's mkstemp makes it for Django.
func (d Folder) temporaryPath(name string) string {
	return d.path(name + "_out_" + strings.ToLower(rand.Text()[:8]))
}

// TemporaryLength is by how much a temporary file's name is longer.
const TemporaryLength = len("_out_") + 8

// write makes a new version, which only we can open.
func (d Folder) write(name string, data []byte, modTime time.Time) (*temporary, error) {
	for {
		path := d.temporaryPath(name)
		handle, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t := &temporary{handle: handle, path: path}
		if err := t.fill(data, modTime); err != nil {
			t.discard()
			return nil, err
		}
		return t, nil
	}
}

func (t *temporary) fill(data []byte, modTime time.Time) error {
	if _, err := t.handle.Write(data); err != nil {
		return err
	}
	if err := setTime(t.path, modTime); err != nil {
		return err
	}
	info, err := t.handle.Stat()
	if err != nil {
		return err
	}
	t.writeOut()
	t.File = File{Data: data, ModTime: info.ModTime()} // file systems round the time
	return nil
}

// discard removes what is at the temporary name now: the version itself, or the
// one that came out for it.
func (t *temporary) discard() {
	t.handle.Close()
	os.Remove(t.path)
}
