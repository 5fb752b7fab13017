package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// standardStream is the FILE that stands for standard output or standard input.
const standardStream = "-"

// wholeFile is a file that gets its name once it is complete.
type wholeFile struct {
	path  string
	force bool
	// begin is how files of this kind begin. If it is not "", a file that does not begin so stays: it may be the
	// store itself, under a name that was mistaken.
	begin     string
	temporary *os.File // nil if there is none
}

// check returns an error if the file would replace one that it should not.
func (f *wholeFile) check() error {
	if f.path == standardStream {
		return nil
	}
	switch info, err := os.Lstat(f.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return configf("%s is not a file: for a pipe there is - and standard output", f.path)
	case !f.force:
		return configf("%s exists: --force replaces it", f.path)
	}
	return f.checkBegin()
}

// checkBegin returns an error if there is a file of another kind. An empty file is of every kind.
func (f *wholeFile) checkBegin() error {
	if f.begin == "" {
		return nil
	}
	file, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer file.Close()
	begin := make([]byte, len(f.begin))
	switch n, err := io.ReadFull(file, begin); {
	case errors.Is(err, io.EOF) || string(begin[:n]) == f.begin:
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	return configf("%s exists, and is another kind of file: choose another name, or remove it", f.path)
}

// create makes the temporary file, which only its owner can read.
func (f *wholeFile) create() (err error) {
	f.temporary, err = os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".part-")
	return err
}

// commit gives the file its name. The contents are on the disk by then.
func (f *wholeFile) commit() error {
	err := f.temporary.Sync()
	if closeErr := f.temporary.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = f.check() // it may have come meanwhile
	}
	if err == nil {
		err = os.Rename(f.temporary.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("finish %s: %w", f.path, err)
	}
	f.temporary = nil
	return nil
}

// abandon removes the temporary file, unless it got its name.
func (f *wholeFile) abandon() {
	if f.temporary != nil {
		f.temporary.Close()
		os.Remove(f.temporary.Name())
	}
}

// newFile is a file with its contents, which every user may read.
type newFile struct {
	wholeFile
	data []byte
}

// writeTogether writes all files or none.
func writeTogether(files []*newFile) error {
	before := make([][]byte, len(files)) // nil: there was none
	for i, f := range files {
		data, err := os.ReadFile(f.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		before[i] = data
		if err := f.create(); err != nil {
			return err
		}
		defer f.abandon()
		_, err = f.temporary.Write(f.data)
		if err == nil {
			err = f.temporary.Chmod(0o644)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", f.path, err)
		}
	}
	for i, f := range files {
		err := f.commit()
		if err == nil {
			continue
		}
		for j, f := range files[:i] {
			if before[j] == nil {
				err = errors.Join(err, os.Remove(f.path))
			} else {
				err = errors.Join(err, os.WriteFile(f.path, before[j], 0o644))
			}
		}
		return err
	}
	return nil
}
