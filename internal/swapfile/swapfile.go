// Package swapfile replaces a file only if it still is the file that was read. It works beside
// programs that take no lock and rename their own versions over the file, as Django's file
// engine does.
//
// On Linux it keeps these promises to such programs, and between any number of processes that
// use this package:
//
//   - A write does not overwrite a version that its writer has not read.
//   - No program can open a version that is taken back afterwards.
//   - A file that was deleted is not brought back.
//
// # How
//
// The new version is written to a temporary file beside the old one. Just before the
// exchange the name is looked up once more. If the file has changed, nothing happens, and
// the caller gets the current version. Otherwise the two files exchange their names
// (RENAME_EXCHANGE), and the file that came out is compared with the file that was read.
// Nearly always they are the same. They differ if another program renamed its version over
// the file in the last few microseconds.
//
// For that case the new version is under a lease (F_SETLEASE) from before the exchange until
// its writer knows what came out. A program that opens it in between waits in open(2). If
// another program's version came out, its content and time are copied into our file before
// the lease ends: so no program has ever seen anything but that version under the name. The
// caller merges its change onto it and tries again. Two writers that use this package are
// safe from each other, too: a writer that gets the other's undecided version out must open
// it to copy it, and so waits.
//
// There are simpler ways, and each shows a wrong version to some program. Between an
// exchange and an exchange back, others read our version and base their next one on it; and
// the second exchange may bring out a third version, or another writer's undecided one. To
// leave our version in place until it is merged only takes longer. (Exchanging back remains
// as the fallback if no copy can be made, for lack of space or because a file that is not
// regular came out.)
//
// # What remains
//
//   - If a process dies after the exchange and before it has copied another program's
//     version, two rare moments in one, our version stays in place, and the other one in the
//     temporary file.
//   - If a process is stopped there, others wait for 45 seconds at most
//     (fs.lease-break-time).
//   - RemoveUnchanged takes the file's name away to look at the file, and gives the name back
//     if the file has changed. For these microseconds other processes find no file, and none
//     to delete.
//   - A program that does not compare, such as Django, can overwrite our version as any
//     other.
//
// A process that dies leaves at most one temporary file, named as Django names them:
// <name>_out_ and eight characters. Django's clear_expired ignores them.
//
// Other systems, and file systems without exchange or leases (NFS, CIFS, …), compare and
// then rename: a change in the microseconds between is lost. ext4, XFS, Btrfs, tmpfs and
// overlayfs have leases for the owner of the new file, which is this process.
//
// As Django's, writes do not wait for the disk: if a machine loses power, the last writes may
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

// File is a version of a file, as it was read or written. Other content or another time is
// another version.
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

// Create makes a file. If it exists, the error is fs.ErrExist. If like is not nil and root
// runs this, the file gets like's owner.
func (d Folder) Create(name string, data []byte, modTime time.Time, like fs.FileInfo) (*File, error) {
	f, err := d.create(name, data, modTime, like)
	return f, pathless(err)
}

// Replace puts data in place of old. If the file is another version, the error is a
// ChangedError. The new file has the owner and the mode of the old one.
func (d Folder) Replace(ctx context.Context, name string, old *File, data []byte, modTime time.Time) (*File, error) {
	f, err := d.replace(ctx, name, old, data, modTime)
	return f, pathless(err)
}

// RemoveUnchanged removes a file that still is old. Otherwise the error is a ChangedError.
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
