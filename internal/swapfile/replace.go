package swapfile

import (
	"context"
	"errors"
	"os"
	"time"
)

// errOpened: somebody opened the temporary file, which has a name like others,
// and so there can be no lease on it.
var errOpened = errors.New("temporary file is opened by others")

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

// replaceBy writes a new version and lets put make it the file.
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

// overwrite is for systems that can do no better.
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

// unchanged is a ChangedError when there is another file of this name now.
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

// step is called at the points that tests come between.
var step = func(point string) {}
