package storefolder

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/djsess/djsess/djsession"
)

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
