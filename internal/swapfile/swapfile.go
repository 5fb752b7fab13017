// Package swapfile replaces a file only if it is unchanged since it was read. It works beside
// programs that use no lock and rename their own versions over the file, as Django's file
// engine does.
//
// On Linux it keeps these promises, beside such programs and among any number of processes that
// use this package:
//
//   - A write does not overwrite a version that its writer has not read.
//   - No program can open a version that is undone afterwards.
//   - A file that was deleted stays deleted.
//
// # How
//
// The new version is written to a temporary file beside the old one. Just before the exchange,
// Replace looks at the name once more. If the file has changed, Replace returns the current
// version and writes nothing. Otherwise the two files exchange their names (RENAME_EXCHANGE),
// and Replace compares the file that lost the name with the file that was read. Nearly always
// they are the same. They differ if another program renamed its version over the file in the
// last few microseconds.
//
// For that case the new version is under a lease (F_SETLEASE) from before the exchange until the
// end of the comparison. A program that opens it in between waits in open(2). If the exchange
// replaced another program's version, Replace copies the content and time of that version into
// the new file before the lease ends. So no program has ever read anything but that version
// under the name. The caller merges its change into it and tries again. This also works between
// two writers that use this package: a writer that replaces the other's version during its lease
// must open that version to copy it, and so waits for the end of the lease.
//
// Simpler methods let some program read a wrong version. If the files were exchanged back, other
// programs could read our version in between and base their next one on it, and the second
// exchange could replace a third version, or another writer's version under a lease. If our
// version stayed in place until the caller has merged, it would only be visible for longer.
// (Exchanging back remains the fallback if no copy can be made, for lack of space or because the
// replaced file is not regular.)
//
// # Limits
//
//   - If a process dies between the exchange and the copy, after another program wrote in
//     the last microseconds, our version stays in place, and the other program's version
//     stays in the temporary file.
//   - If a process is stopped there, other programs wait for 45 seconds at most
//     (fs.lease-break-time).
//   - RemoveUnchanged renames the file to look at it, and renames it back if it has changed.
//     For these microseconds other processes find no file to read or to delete.
//   - A program that does not compare, such as Django, can overwrite our version like any
//     other.
//
// A process that dies leaves at most one temporary file, named as Django names them:
// <name>_out_ and eight characters. Django's clear_expired ignores them.
//
// Other systems, and file systems without exchange or leases (NFS, CIFS, …), compare and
// then rename: a change in the microseconds between is lost. ext4, XFS, Btrfs, tmpfs and
// overlayfs have leases for the owner of the new file, which is this process.
//
// As in Django, writes do not wait for the disk: if the machine loses power, the last writes may
// be lost.
package swapfile

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Folder is a folder of files. Names must be without a path. Errors hold neither names nor
// paths, because a name may be a secret.
//
// A context limits how long a call waits for other writers, and for the end of another
// program's lease on the file.
//
// If there is no such file, or no such folder, the error is fs.ErrNotExist.
type Folder struct {
	Path string
	// MaxSize limits a file that is read, in bytes.
	MaxSize int
}

// File is a version of a file, as it was read or written. Two versions differ in content or in
// time.
type File struct {
	Data    []byte
	ModTime time.Time
	// Stranger reports that any user could have put the file there: everybody may write to
	// the folder, and the file belongs neither to this process's user nor to root nor to
	// the folder's owner.
	Stranger bool
}

func (f *File) equal(other *File) bool {
	return f.ModTime.Equal(other.ModTime) && bytes.Equal(f.Data, other.Data)
}

// Read reads a file. With a TooLargeError it returns the file without its content.
func (d Folder) Read(ctx context.Context, name string) (*File, error) {
	f, err := d.read(ctx, name)
	return f, pathless(err)
}

// Create creates a file. If it exists, the error is fs.ErrExist. If root runs this and like is
// not nil, the file gets like's owner.
func (d Folder) Create(name string, data []byte, modTime time.Time, like fs.FileInfo) (*File, error) {
	f, err := d.create(name, data, modTime, like)
	return f, pathless(err)
}

// Replace puts data in place of old. If the file is no longer old, the error is a ChangedError.
// The new file has the owner and the mode of the old one.
func (d Folder) Replace(ctx context.Context, name string, old *File, data []byte, modTime time.Time) (*File, error) {
	f, err := d.replace(ctx, name, old, data, modTime)
	return f, pathless(err)
}

// RemoveUnchanged removes a file. If the file is no longer old, the error is a ChangedError.
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
