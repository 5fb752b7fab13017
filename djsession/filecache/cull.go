package filecache

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
)

// Evicts returns why the site may delete items that have not ended.
func (c *Cache) Evicts(context.Context) (string, error) { return c.culls.Evicts(), nil }

// makeRoom culls as Django does before every write, but keeps the file that is about to be
// written. A session is saved even if culling fails. Unlike Django, makeRoom does not cull a
// folder that everybody may write to: any user could fill it to make it delete sessions.
func (c *Cache) makeRoom(ctx context.Context, name string) {
	if c.culls.MaxEntries == 0 || c.folder.IsOpenToAll() {
		return
	}
	files, deleted, err := c.cull(ctx, name)
	if err != nil {
		c.culls.LogError(ctx, err)
	}
	c.culls.LogDeleted(ctx, deleted, files)
}

// cull returns how many files there were, and how many of them it deleted.
func (c *Cache) cull(ctx context.Context, keep string) (files, deleted int, err error) {
	var names []string
	for name, err := range c.folder.Names(context.WithoutCancel(ctx)) {
		if err != nil {
			return len(names), 0, err
		}
		if isCulled(name) {
			names = append(names, name)
		}
	}
	if files = len(names); files < c.culls.MaxEntries {
		return files, 0, nil
	}
	if c.culls.Frequency != CullAll {
		rand.Shuffle(files, func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:files/c.culls.Frequency]
	}
	var failed error
	for _, name := range names {
		if name == keep {
			continue
		}
		switch err := c.folder.Remove(ctx, name); {
		case err == nil:
			deleted++
		case !errors.Is(err, fs.ErrNotExist):
			failed = err
		}
	}
	return files, deleted, failed
}

// isCulled reports whether Django counts a file when it culls, and may delete it. It counts
// all names with the suffix, except hidden files.
func isCulled(name string) bool {
	return strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".")
}
