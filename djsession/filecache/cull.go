package filecache

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/djsess/djsess/internal/printable"
)

// makeRoom culls as Django does before every write, and leaves the file that is about
// to be written. An error in culling does not keep a session from being saved. A folder
// that everybody may write to is not culled, as Django would: anybody could fill it, and
// sessions would be thrown away for that.
func (c *Cache) makeRoom(ctx context.Context, name string) {
	if c.config.MaxEntries == 0 || c.folder.IsOpenToAll() {
		return
	}
	files, gone, err := c.cull(ctx, name)
	if err != nil {
		c.config.Logger.WarnContext(ctx, "filecache: cache was not culled", "folder", c.folder.Path, "error", printable.Line(err.Error()))
	}
	if gone == 0 {
		return
	}
	c.config.Logger.WarnContext(ctx,
		"filecache: entries were thrown away, because there were as many as MAX_ENTRIES: "+
			"whoever had a session among them is logged out, unless it is in a database, too",
		"folder", c.folder.Path, "deleted", gone, "of", files,
		"max_entries", c.config.MaxEntries, "cull_frequency", max(c.config.CullFrequency, 0))
}

// cull tells how many files there were, and how many it deleted.
func (c *Cache) cull(ctx context.Context, keep string) (files, gone int, err error) {
	names, err := c.names()
	files = len(names)
	if err != nil || files < c.config.MaxEntries {
		return files, 0, err
	}
	if c.config.CullFrequency != CullAll {
		rand.Shuffle(files, func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:files/c.config.CullFrequency]
	}
	var failed error
	for _, name := range names {
		if name == keep {
			continue
		}
		switch err := c.folder.Remove(ctx, name); {
		case err == nil:
			gone++
		case !errors.Is(err, fs.ErrNotExist):
			failed = err
		}
	}
	return files, gone, failed
}

// names are the files that Django counts.
func (c *Cache) names() ([]string, error) {
	dir, err := os.Open(c.folder.Path)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	return slices.DeleteFunc(names, func(name string) bool { return !isCulled(name) }), err
}
