// Package storefolder is shared by packages filestore and filecache: a folder of Django's in
// which each file is a session, or an item of a cache. It turns errors of files into errors of
// a store, and does not know what the files hold. Package swapfile, below it, reads and replaces
// single files.
package storefolder

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// Config describes a folder.
type Config struct {
	// Dir is the folder, and Setting the Django setting that names it.
	Dir, Setting string
	// MaxSize limits a file that is read, in bytes.
	MaxSize int
	// IsOurs reports whether a file's name is that of a session, or of an item.
	IsOurs func(name string) bool
	// Conflict returns the error for a file that another writer has changed meanwhile.
	Conflict func(key string, there *swapfile.File) error

	// Package is the package of the store, for its errors.
	Package string
	// ShortKey shortens a key for errors.
	ShortKey func(key string) string
	// Form is the form of what the files hold, for a PayloadError.
	Form djsession.Form
}

// Folder is a folder of sessions, or of a cache's items. It is safe for use by several
// goroutines.
type Folder struct {
	swapfile.Folder
	config    Config
	neighbour swapfile.Neighbour
}

// New returns a folder, which must exist.
func New(c Config) (*Folder, error) {
	if runtime.GOOS == "windows" {
		return nil, fmt.Errorf("%s: Windows, which renames no open file, is not supported", c.Package)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Package, err)
	}
	f := &Folder{Folder: swapfile.Folder{Path: dir, MaxSize: c.MaxSize}, config: c}
	if err := f.Check(); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Package, c.Setting, err)
	}
	return f, nil
}

// Check returns an error if there is no such folder. Then it is not known whether a session
// exists.
func (f *Folder) Check() error {
	info, err := os.Stat(f.Path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", f.Path)
	}
	return nil
}

// Create creates a file. If the file exists, the error is an fs.ErrExist. If root runs this,
// the new file belongs to the owner of the other files, so that the site can use it.
func (f *Folder) Create(name string, data []byte, modTime time.Time) (*swapfile.File, error) {
	return f.Folder.Create(name, data, modTime, f.neighbour.In(f.Folder, f.config.IsOurs))
}

// Version is a file as it was read or written. Files with the same content and another time are
// different versions: an operator may end a session by changing only the time.
type Version struct {
	Data string
	At   time.Time
}

// VersionOf returns the version of a file.
func VersionOf(f *swapfile.File) Version { return Version{string(f.Data), f.ModTime.UTC()} }

// File is the reverse of VersionOf.
func (v Version) File() *swapfile.File { return &swapfile.File{Data: []byte(v.Data), ModTime: v.At} }

// Names yields the names of all files in the folder's own order. It reads them in pages, and
// ends after an error.
func (f *Folder) Names(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		dir, err := os.Open(f.Path)
		if err != nil {
			yield("", err)
			return
		}
		defer dir.Close()
		const page = 256
		for {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			names, err := dir.Readdirnames(page)
			for _, name := range names {
				if !yield(name, nil) {
					return
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield("", err)
				return
			}
		}
	}
}

// listings limits how often EachOnce lists the folder.
const listings = 5

// EachOnce yields the name of each wanted file once, also of a file that is saved meanwhile. A save renames a file, and in some
// file systems, such as tmpfs and btrfs, a listing that is under way does not see a renamed file any more. So EachOnce lists
// the folder again until it finds nothing new. It keeps a hash of 8 bytes of each name.
func (f *Folder) EachOnce(ctx context.Context, wanted func(name string) bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		seed, seen := maphash.MakeSeed(), map[uint64]struct{}{}
		for range listings {
			before := len(seen)
			for name, err := range f.Names(ctx) {
				if err != nil {
					yield("", err)
					return
				}
				if !wanted(name) {
					continue
				}
				hash := maphash.String(seed, name)
				if _, ok := seen[hash]; ok {
					continue
				}
				seen[hash] = struct{}{}
				if !yield(name, nil) {
					return
				}
			}
			if len(seen) == before {
				return
			}
		}
	}
}

// ReadListed reads a file that Names or EachOnce has yielded. If only this file cannot be read, the error is
// a *djsession.PayloadError. If the file was deleted since, the error is an fs.ErrNotExist.
func (f *Folder) ReadListed(ctx context.Context, name string) (*swapfile.File, error) {
	file, err := f.Read(ctx, name)
	// EAGAIN: another program has a lease on the file.
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EAGAIN) && ctx.Err() == nil {
		err = f.Malformed(err)
	}
	return file, f.asPayloadError(err)
}

// Malformed returns the PayloadError for a file that cannot be read as what it should be.
func (f *Folder) Malformed(err error) error {
	return f.PayloadError(fmt.Errorf("%w: %w", djsession.ErrMalformed, err))
}

// PayloadError returns the PayloadError for a file that cannot be trusted.
func (f *Folder) PayloadError(err error) error {
	return &djsession.PayloadError{Form: f.config.Form, Err: err}
}

// asPayloadError turns an error of swapfile into a PayloadError if it means that the site did not
// write the file.
func (f *Folder) asPayloadError(err error) error {
	var tooLarge *swapfile.TooLargeError
	switch {
	case errors.As(err, new(*djsession.PayloadError)):
		return err
	case errors.As(err, &tooLarge):
		return f.PayloadError(fmt.Errorf("%d bytes: %w", tooLarge.Size, djsession.ErrTooLarge))
	case errors.Is(err, swapfile.ErrNotRegular):
		return f.Malformed(err)
	}
	return err
}

// Error returns an OpError of the folder's package.
func (f *Folder) Error(op, key string, err error) error { return f.opError(op, key, err, "") }

func (f *Folder) opError(op, key string, err error, hint string) error {
	if key != "" {
		key = f.config.ShortKey(key)
	}
	return &djsession.OpError{Store: f.config.Package, Op: op, Key: key, Err: err, Hint: hint}
}

// Hints for errors of files.
const (
	runAsSite = "run as the user that the site runs as"
	retry     = "another program holds the file open under a lease: try again"
)

// Fail turns an error of swapfile into an OpError with the error of djsession that it means.
func (f *Folder) Fail(op, key string, err error) error {
	var changed *swapfile.ChangedError
	switch {
	case errors.As(err, &changed):
		return f.Error(op, key, f.config.Conflict(key, changed.Current))
	case errors.Is(err, fs.ErrNotExist):
		// If the folder is missing, it is not known whether the session exists.
		if gone := f.Check(); gone != nil {
			return f.opError(op, key, gone, "is "+f.config.Setting+" the site's?")
		}
		return f.Error(op, key, djsession.ErrNotFound)
	case errors.Is(err, syscall.EAGAIN):
		return f.opError(op, key, fmt.Errorf("%w: %w", djsession.ErrBusy, err), retry)
	case errors.Is(err, fs.ErrPermission):
		return f.opError(op, key, err, runAsSite)
	}
	return f.Error(op, key, f.asPayloadError(err))
}

// FailWrite is Fail for an operation that writes.
func (f *Folder) FailWrite(op, key string, err error) error {
	var owner *swapfile.OwnerError
	readOnly := fmt.Errorf("%w: %w", djsession.ErrReadOnly, err)
	switch {
	case errors.Is(err, swapfile.ErrUnknown):
		return f.Error(op, key, fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err))
	case errors.As(err, &owner):
		return f.opError(op, key, readOnly, owner.Hint())
	case errors.Is(err, fs.ErrPermission):
		return f.opError(op, key, readOnly, runAsSite)
	case errors.Is(err, syscall.EROFS):
		return f.opError(op, key, readOnly, "the file system takes no writes")
	}
	return f.Fail(op, key, err)
}

// ConflictWithStored reads the file and returns the conflict with it, for a record without a
// version.
func (f *Folder) ConflictWithStored(ctx context.Context, op, key, name string) error {
	file, err := f.Read(ctx, name)
	if err != nil {
		return f.Fail(op, key, err)
	}
	return f.Error(op, key, f.config.Conflict(key, file))
}
