package swapfile

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// temporary is a new version, in a file beside the one that it will replace.
type temporary struct {
	File
	handle *os.File
	path   string
}

// temporaryPath returns a path like those that Django gets from Python's mkstemp.
func (d Folder) temporaryPath(name string) string {
	return d.path(name + "_out_" + strings.ToLower(rand.Text()[:8]))
}

// TemporaryLength is the length of a temporary file's suffix.
const TemporaryLength = len("_out_") + 8

// write writes a new version, which only this process's user can open.
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
	t.startWriteback()
	t.File = File{Data: data, ModTime: info.ModTime()} // file systems round the time
	return nil
}

// discard removes the file with the temporary name: the new version or, after the exchange, the
// old one.
func (t *temporary) discard() {
	t.handle.Close()
	os.Remove(t.path)
}

// create implements Create.
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

// createPlain creates a file as Django does: it first creates an empty file with the name.
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

// errOpened: another program has opened the temporary file, so there can be no lease on it.
var errOpened = errors.New("another program has opened the temporary file")

// replace implements Replace.
func (d Folder) replace(ctx context.Context, name string, old *File, data []byte, modTime time.Time) (*File, error) {
	current, unlock, err := d.lockOpen(ctx, name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer current.close()
	switch {
	case !current.equal(old):
		return nil, &ChangedError{&current.File}
	case current.Stranger:
		return nil, &OwnerError{UID: ownerOf(current.info), Stranger: true}
	}
	const attempts = 3
	for attempt := 1; ; attempt++ {
		f, err := d.replaceBy(ctx, name, current, data, modTime, swap)
		switch {
		case errors.Is(err, errOpened) && attempt < attempts:
			continue
		case errors.Is(err, errOpened), errors.Is(err, errors.ErrUnsupported):
			return d.replaceBy(ctx, name, current, data, modTime, overwrite)
		}
		return f, err
	}
}

// replaceBy writes a new version, and calls put to move it to its name.
func (d Folder) replaceBy(ctx context.Context, name string, current *opened, data []byte, modTime time.Time,
	put func(ctx context.Context, d Folder, path string, t *temporary, current *opened) error) (*File, error) {
	t, err := d.write(name, data, modTime)
	if err != nil {
		return nil, err
	}
	defer t.discard()
	step("written")
	if err := put(ctx, d, d.path(name), t, current); err != nil {
		return nil, err
	}
	return &t.File, nil
}

// overwrite is the fallback for systems without exchange or leases: it compares and then renames.
func overwrite(ctx context.Context, d Folder, path string, t *temporary, current *opened) error {
	if err := t.adopt(current.info); err != nil {
		return err
	}
	t.handle.Close() // Windows renames no open file
	if err := d.unchanged(ctx, path, current); err != nil {
		return err
	}
	step("compared")
	return os.Rename(t.path, path)
}

// unchanged returns a ChangedError if the name now belongs to another file.
func (d Folder) unchanged(ctx context.Context, path string, current *opened) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case identical(info, current.info):
		return nil
	}
	return d.changed(ctx, path)
}

// changed returns a ChangedError with the current version.
func (d Folder) changed(ctx context.Context, path string) error {
	now, err := d.open(ctx, path)
	if now != nil {
		now.close()
	}
	if err != nil {
		return err
	}
	return &ChangedError{&now.File}
}

// step is called between the steps. Tests replace it, to act at these points.
var step = func(point string) {}

// removeUnchanged implements RemoveUnchanged.
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
	// The renamed file is another program's version, so it gets its name back. If there is a
	// new file with the name, that one is newer.
	if err := renameNoReplace(away, path); errors.Is(err, fs.ErrExist) {
		os.Remove(away)
	} else if err != nil {
		return err
	}
	return d.changed(ctx, path)
}
