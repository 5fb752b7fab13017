// Package swapfile replaces a file only if it is still the one that was read,
// beside programs that take no lock and rename their own versions over it, as
// Django's file engine does.
//
// On Linux it keeps these promises, towards such programs and between any number
// of processes that use this package:
//
//   - what somebody wrote is not overwritten by who has not read it
//   - a version that is then not to be can be opened by nobody
//   - a file that was deleted is not brought back
//
// # How
//
// The new version is written to a temporary file beside the old one. Just before
// it goes in, the name is looked up once more: if the file has changed, nothing
// happens and the caller is told what is there now. Then the two files exchange
// their names (RENAME_EXCHANGE), and what came out is looked at. Nearly always it
// is what was read, and that was it. It is not when somebody renamed his version
// over the file in the last few microseconds.
//
// For that case the new version is under a lease (F_SETLEASE) from before the
// exchange until its writer knows what came out. Whoever opens it meanwhile waits
// in open(2). If a stranger came out, its content and time are copied into our
// file before the lease ends: then the name has never stood for anything but the
// stranger's version to anybody. The caller merges onto that and tries again.
// Nor can two writers that use this package deceive each other: who gets the
// other's undecided version out must open it to copy it, and so waits.
//
// There are simpler ways, and each shows a wrong version to somebody. Between
// an exchange and an exchange back others read ours, and base their next one on
// it; and what comes out the second time may be a third version, or another's
// undecided one. To leave ours in place until it is merged only takes longer.
// (Exchanging back is what remains when no copy can be made, for lack of space or
// because what came out is no regular file.)
//
// # What remains
//
//   - A process that dies after the exchange and before it has copied a stranger's
//     version, two rare moments in one, leaves ours in place, and the stranger's in
//     the temporary file.
//   - A process that is stopped there lets others wait, for 45 seconds at most
//     (fs.lease-break-time).
//   - RemoveUnchanged takes the file's name away to look at it, and gives it back
//     if it is a stranger's after all: for these microseconds other processes
//     find no file, nor one to delete.
//   - Who does not compare, such as Django, can overwrite a version of ours as any
//     other.
//
// A process that dies leaves a temporary file at most, named as Django names
// them: <name>_out_ and eight characters. Django's clear_expired passes them by.
//
// Other systems, and file systems without exchange or leases (NFS, CIFS, …),
// compare and then rename: what is written or deleted in the microseconds
// between is lost. Leases are there on ext4, XFS, Btrfs, tmpfs and overlayfs, for
// the owner of the new file, which we are.
//
// As Django's, writes do not wait for the disk: a machine that loses power may
// lose the last of them.
package swapfile

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Folder is where files are. Names are without a path, which is for the caller
// to see to. Errors hold neither names nor paths: a name may be a secret.
//
// A context bounds how long a call waits for other writers, and for the end of a lease
// that somebody has on the file.
//
// fs.ErrNotExist says that there is no such file, or no such folder.
type Folder struct {
	Path string
	// MaxSize is of a file that is read, in bytes.
	MaxSize int
}

// File is a file as it was read or written. What has another content or
// another time is another version.
type File struct {
	Data    []byte
	ModTime time.Time
	// Stranger reports that anybody could have put the file there: everybody may write to
	// the folder, and the file belongs neither to this process's user nor to root nor to
	// the folder's owner.
	Stranger bool
}

func (f *File) equal(other *File) bool {
	return f.ModTime.Equal(other.ModTime) && bytes.Equal(f.Data, other.Data)
}

// Read reads a file. With a TooLargeError comes the file without its content.
func (d Folder) Read(ctx context.Context, name string) (*File, error) {
	f, err := d.read(ctx, name)
	return f, pathless(err)
}

// Create makes a file that is not there yet, else fs.ErrExist. When like is not
// nil and we are root, the file gets like's owner.
func (d Folder) Create(name string, data []byte, modTime time.Time, like fs.FileInfo) (*File, error) {
	f, err := d.create(name, data, modTime, like)
	return f, pathless(err)
}

// Replace puts data in place of old: a ChangedError when something else is there,
// fs.ErrNotExist when nothing is. The new file has owner and mode of the one
// before it.
func (d Folder) Replace(ctx context.Context, name string, old *File, data []byte, modTime time.Time) (*File, error) {
	f, err := d.replace(ctx, name, old, data, modTime)
	return f, pathless(err)
}

// RemoveUnchanged removes a file that is still old: else a ChangedError.
func (d Folder) RemoveUnchanged(ctx context.Context, name string, old *File) error {
	return pathless(d.removeUnchanged(ctx, name, old))
}

// Remove removes a file of any kind, but no folder.
func (d Folder) Remove(ctx context.Context, name string) error {
	unlock, err := d.lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	info, err := os.Lstat(d.path(name))
	if err == nil && info.IsDir() {
		return ErrNotRegular
	}
	if err == nil {
		err = os.Remove(d.path(name))
	}
	return pathless(err)
}

func (d Folder) path(name string) string { return filepath.Join(d.Path, name) }
