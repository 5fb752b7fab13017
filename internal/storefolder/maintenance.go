package storefolder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/checkup"
	"github.com/djsess/djsess/internal/swapfile"
)

// Examine checks the folder: who may read it and who may write to it. See djsession.Examiner.
func (f *Folder) Examine() djsession.CheckResult {
	const check = "folder"
	info, err := os.Stat(f.Path)
	if err == nil {
		var dir *os.File
		if dir, err = os.Open(f.Path); err == nil {
			dir.Close()
		}
	}
	if err != nil {
		r := djsession.ErrorResult(check, djsession.CheckFails, f.Fail("examine", "", err))
		r.Remedy = "run as the user that the site runs as"
		return r
	}
	r := djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: fmt.Sprintf("%s is a folder of the permissions %v", f.Path, info.Mode().Perm())}
	if f.IsOpenToAll() {
		r.Status = djsession.CheckWarns
		r.Text += ": every user of this machine may put files there"
		r.Remedy = "give the site a folder of its own, with the permissions 0700, by " + f.config.Setting + "; " + checkup.MoveRemedy
	}
	return r
}

// mostSized is up to how many files Size looks at.
const mostSized = 100_000

// Size counts the files and their bytes: see djsession.Sizer. A larger folder would take too long.
func (f *Folder) Size(ctx context.Context) (djsession.StoreSize, error) {
	size := djsession.UnknownSize
	files, bytes := int64(0), int64(0)
	for name, err := range f.Names(ctx) {
		if err == nil && !f.config.IsOurs(name) {
			continue
		}
		var info fs.FileInfo
		if err == nil {
			info, err = os.Lstat(filepath.Join(f.Path, name))
		}
		switch {
		case err == nil:
		case errors.Is(err, fs.ErrNotExist) && name != "":
			continue // removed since its name was read
		default:
			return size, f.Fail("size", "", err)
		}
		bytes += info.Size()
		if files++; files > mostSized {
			return size, nil
		}
	}
	size.Sessions, size.Files = files, bytes
	return size, nil
}

// defaultClearLimit is how many files a batch looks at by default.
const defaultClearLimit = 1000

// ClearExpired removes the files that have ended: see djsession.ExpiredClearer. A batch looks at
// Limit files. hasEnded reports whether a file has ended before r.Before, or returns an error if
// that cannot be read. A file is removed only if it is still what hasEnded has seen.
func (f *Folder) ClearExpired(ctx context.Context, r djsession.ClearRequest, hasEnded func(name string, file *swapfile.File) (bool, error)) iter.Seq2[djsession.Cleared, error] {
	return func(yield func(djsession.Cleared, error) bool) {
		var batch djsession.Cleared
		seen, limit := 0, limitOf(r)
		for name, err := range f.Names(ctx) {
			if err == nil && f.config.IsOurs(name) {
				seen++
				err = f.clearFile(ctx, name, r.DryRun, hasEnded, &batch)
			}
			if err != nil {
				yield(batch, f.FailWrite(opClear, "", err))
				return
			}
			if seen < limit {
				continue
			}
			if !yield(batch, nil) {
				return
			}
			batch, seen, limit = djsession.Cleared{}, 0, limitOf(r)
		}
		if seen > 0 {
			yield(batch, nil)
		}
	}
}

const opClear = "clear expired"

func limitOf(r djsession.ClearRequest) int {
	if r.Limit == nil {
		return defaultClearLimit
	}
	return max(r.Limit(), 1)
}

// clearFile removes one file if it has ended, and counts it.
func (f *Folder) clearFile(ctx context.Context, name string, dryRun bool, hasEnded func(string, *swapfile.File) (bool, error), batch *djsession.Cleared) error {
	file, err := f.ReadListed(ctx, name)
	ended := false
	if err == nil {
		ended, err = hasEnded(name, file)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // deleted since the name was read
	case errors.As(err, new(*djsession.PayloadError)):
		batch.Unreadable++
		return nil
	case err != nil || !ended:
		return err
	}
	if !dryRun {
		err = f.RemoveUnchanged(ctx, name, file)
	}
	switch {
	case err == nil:
		batch.Removed++
	case errors.Is(err, fs.ErrNotExist) || errors.As(err, new(*swapfile.ChangedError)):
		return nil // another process removed it, or saved it again
	}
	return err
}
