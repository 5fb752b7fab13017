package swapfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// opened is a file that is held open: until it is closed no other file can be
// taken for it.
type opened struct {
	File
	handle *os.File
	info   fs.FileInfo
}

func (o *opened) close() { o.handle.Close() }

func (d Folder) read(name string) (*File, error) {
	o, err := d.open(d.path(name))
	if o == nil {
		return nil, err
	}
	defer o.close()
	return &o.File, err
}

// open opens and reads a file. With a TooLargeError it returns what is known of
// it.
func (d Folder) open(path string) (*opened, error) {
	handle, err := openFile(path)
	if err != nil {
		return nil, err
	}
	o := &opened{handle: handle}
	if err = o.fill(d.MaxSize); err == nil || errors.As(err, new(*TooLargeError)) {
		return o, err
	}
	handle.Close()
	return nil, err
}

func (o *opened) fill(maxSize int) (err error) {
	if o.info, err = o.handle.Stat(); err != nil {
		return err
	}
	size := o.info.Size()
	o.ModTime = o.info.ModTime()
	switch {
	case !o.info.Mode().IsRegular():
		return ErrNotRegular
	case size > int64(maxSize):
		return &TooLargeError{size}
	}
	o.Data = make([]byte, size)
	n, err := io.ReadFull(o.handle, o.Data)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // somebody shortened it in place
	}
	o.Data = o.Data[:n]
	return err
}

// identical tells whether it is the same file, and nobody wrote to it in place.
func identical(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
