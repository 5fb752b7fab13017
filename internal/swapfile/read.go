package swapfile

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
)

// opened is a file that is held open. Until it is closed, no other file can get its identity.
type opened struct {
	File
	handle *os.File
	info   fs.FileInfo
}

func (o *opened) close() { o.handle.Close() }

func (d Folder) read(ctx context.Context, name string) (*File, error) {
	o, err := d.open(ctx, d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		// removeUnchanged may have renamed the file for a moment, to look at it.
		var unlock func()
		if o, unlock, err = d.lockOpen(ctx, name); err == nil {
			unlock()
		}
	}
	if o == nil {
		return nil, err
	}
	defer o.close()
	return &o.File, err
}

// open is openNow, but it waits for the end of another program's lease.
func (d Folder) open(ctx context.Context, path string) (*opened, error) {
	var w leaseWait
	for {
		o, err := d.openNow(path)
		if !isLeased(err) {
			return o, err
		}
		if err := w.pause(ctx, d, path, err); err != nil {
			return nil, err
		}
	}
}

// openNow opens and reads a file. With a TooLargeError it returns the file without content.
func (d Folder) openNow(path string) (*opened, error) {
	handle, err := openFile(path)
	if err != nil {
		return nil, err
	}
	o := &opened{handle: handle}
	if err = o.fill(d); err == nil || errors.As(err, new(*TooLargeError)) {
		return o, err
	}
	handle.Close()
	return nil, err
}

func (o *opened) fill(d Folder) (err error) {
	if o.info, err = o.handle.Stat(); err != nil {
		return err
	}
	size := o.info.Size()
	o.ModTime, o.Stranger = o.info.ModTime(), d.isStrangers(o.info)
	switch {
	case !o.info.Mode().IsRegular():
		return ErrNotRegular
	case size > int64(d.MaxSize):
		return &TooLargeError{size}
	}
	o.Data = make([]byte, size)
	n, err := io.ReadFull(o.handle, o.Data)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // another program shortened it in place
	}
	o.Data = o.Data[:n]
	return err
}

// identical reports whether a and b are the same file, which was not written in between.
func identical(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
