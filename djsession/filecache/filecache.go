// Package filecache is Django's FileBasedCache, a cache in a folder, for the session
// engines cache and cached_db.
//
// This cache throws sessions away. When a site writes to a folder of MAX_ENTRIES
// files (300 unless the site says more), it deletes one file in CULL_FREQUENCY
// (three), picked at random, however long they had to live: whoever they were of is
// logged out. Sessions that are to last belong into the engine file or db, or into
// cached_db, which finds them again in its table.
//
//	cache, err := filecache.New(filecache.Config{Dir: "/var/tmp/django_cache", Settings: settings})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// We throw away what the site would, and only what it would: see Config.MaxEntries.
// Each time the log says how much.
//
// A file's name is the MD5 of its cache key, with ".djcache". So it is not to be seen
// whose session it is, nor whether it is one at all, and what lists the folder
// ([Cache.Scan]) can tell names only.
//
// # Beside a live Django
//
// What holds for package filestore holds here, too. On Linux what Django writes is
// never lost to a write of ours, nor is what another Go process writes, and an item
// that was deleted stays deleted; elsewhere and on network file systems a few
// microseconds remain. Run the program as the user that the site runs as.
//
// # A folder that everybody may write to
//
// Nothing in a cache is signed. A user who can put a file into the folder can log in as any
// user of the site, and can run code there, since Django unpickles the file. Django does
// not prevent that. Here, in such a folder:
//
//   - A file that belongs neither to this process's user nor to root nor to the folder's
//     owner is a *djsession.PayloadError, and no item is written in its place.
//   - New files belong to this process's user, also if that is root.
//   - No item is thrown away, since anybody could fill the folder up to MAX_ENTRIES.
//
// As in Django an item that has ended is not there. Its file stays: Django deletes it
// when it is next asked for.
package filecache

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/swapfile"
)

// Config says where the files are, and how the site treats them.
type Config struct {
	// Dir is the cache's LOCATION, which must be there. Django makes it, with its own
	// user for the owner, as soon as it uses the cache.
	Dir string
	// Settings are the site's.
	Settings *djsession.Settings

	// MaxEntries is OPTIONS["MAX_ENTRIES"], or DefaultMaxEntries where the site sets
	// none. With it our writes cull the folder when the site's would. 0 leaves all
	// that to the site: a number that is smaller than the site's own would log its
	// visitors out, and so nothing is taken for granted here. As in Django it costs a
	// look through the folder at each write.
	MaxEntries int
	// CullFrequency is OPTIONS["CULL_FREQUENCY"]: of how many items one goes.
	// Default: 3. CullAll is Django's 0.
	CullFrequency int

	// ReadOnly refuses whatever would write.
	ReadOnly bool
	// Logger is told what is thrown away. Default: slog.Default.
	Logger *slog.Logger
}

// Django's MAX_ENTRIES and CULL_FREQUENCY, where a site does not set them.
const (
	DefaultMaxEntries    = 300
	DefaultCullFrequency = 3
)

// CullAll is a CULL_FREQUENCY of 0: all items go when there are too many.
const CullAll = -1

// Cache is a cachestore.Cache and cachestore.Scanner over the folder. It is safe for
// use by several goroutines, and several processes may have one each.
type Cache struct {
	config   Config
	folder   swapfile.Folder
	owner    swapfile.Neighbour
	protocol byte // of the expiry's pickle
}

var (
	_ cachestore.Cache   = (*Cache)(nil)
	_ cachestore.Scanner = (*Cache)(nil)
)

// New returns a cache over a folder.
func New(c Config) (*Cache, error) {
	switch {
	case c.Settings == nil:
		return nil, errors.New("filecache: Settings are missing")
	case c.Dir == "":
		return nil, errors.New("filecache: Dir is missing: the cache's LOCATION")
	case c.MaxEntries < 0:
		return nil, fmt.Errorf("filecache: MAX_ENTRIES %d: want 0, for what the site does, or more", c.MaxEntries)
	case c.CullFrequency < CullAll:
		return nil, fmt.Errorf("filecache: CULL_FREQUENCY %d: want 1 or more, or CullAll", c.CullFrequency)
	case runtime.GOOS == "windows":
		return nil, errors.New("filecache: Windows, which renames no open file, is not supported")
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, err
	}
	settings := *c.Settings                                   // later changes by the caller must not apply
	settings.SecretKey, settings.SecretKeyFallbacks = "", nil // a cache signs nothing
	c.Settings = &settings
	if c.CullFrequency == 0 {
		c.CullFrequency = DefaultCullFrequency
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("filecache: %w", err)
	}
	cache := &Cache{
		config:   c,
		folder:   swapfile.Folder{Path: dir, MaxSize: settings.MaxStoredSize()},
		protocol: protocolOf(settings.DjangoVersion),
	}
	if err := cache.checkFolder(); err != nil {
		return nil, fmt.Errorf("filecache: LOCATION: %w", err)
	}
	return cache, nil
}

// checkFolder tells a folder that is gone from an item that is.
func (c *Cache) checkFolder() error {
	info, err := os.Stat(c.folder.Path)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", c.folder.Path)
	}
	return nil
}

// Close does nothing: no file stays open.
func (c *Cache) Close() error { return nil }

// Dir tells which folder the cache is on.
func (c *Cache) Dir() string { return c.folder.Path }

// String is the kind of cache, and the folder.
func (c *Cache) String() string { return "files (" + c.folder.Path + ")" }
