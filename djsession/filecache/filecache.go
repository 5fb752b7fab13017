// Package filecache is Django's FileBasedCache, a cache in a folder, for the session engines
// cache and cached_db.
//
// Django deletes sessions from this cache. When a site writes to a folder of MAX_ENTRIES files
// (300 by default), Django deletes a third of them (CULL_FREQUENCY), picked at random, even if
// they have not ended. Their visitors are logged out. To keep sessions, use the engine file or
// db, or cached_db, which also stores them in the database.
//
//	cache, err := filecache.New(filecache.Config{Dir: "/var/tmp/django_cache", Settings: settings})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// If Config.MaxEntries is set, the package deletes the files that the site would delete, and
// logs how many. Otherwise it deletes nothing.
//
// A file's name is the MD5 of its cache key, with ".djcache". The name does not show the session
// key, nor whether the file is a session. So [Cache.Scan] yields names, not keys.
//
// # Beside a live Django
//
// On Linux a write never overwrites what Django or another Go process wrote meanwhile, as in
// package filestore. An item that was deleted stays deleted. On other systems and on network
// file systems, another write is lost if it falls into the few microseconds between comparing
// and renaming. Run the program as the user that the site runs as.
//
// An item that has ended is not returned. Its file stays until Django next reads the item, and
// deletes it.
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
//   - Nothing is culled, since any user could fill the folder up to MAX_ENTRIES.
//
// # Errors
//
// All errors are *djsession.OpError, and hold the errors that cachestore.Cache describes. If the
// folder is gone, the error is not an ErrNotFound: it is not known whether the item exists.
package filecache

import (
	"errors"
	"log/slog"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/culling"
	"github.com/djsess/djsess/internal/storefolder"
)

// Config describes the folder, and how the site uses it.
type Config struct {
	// Dir is the cache's LOCATION, which must exist. Django creates it when it first uses the
	// cache, so that it belongs to the user that the site runs as.
	Dir string
	// Settings are the site's.
	Settings *djsession.Settings

	// MaxEntries is OPTIONS["MAX_ENTRIES"], or DefaultMaxEntries if the site sets none. A
	// write then culls the folder when the site's would. As in Django, each write lists the
	// folder. Default: 0, which never culls. Django's default is not used here, because a
	// number below the site's own would log visitors out.
	MaxEntries int
	// CullFrequency is OPTIONS["CULL_FREQUENCY"]: one of so many items is deleted.
	// Default: 3. CullAll is Django's 0.
	CullFrequency int

	// ReadOnly refuses all writes with an ErrReadOnly.
	ReadOnly bool
	// Logger logs what is culled. Default: slog.Default.
	Logger *slog.Logger
}

// Django's MAX_ENTRIES and CULL_FREQUENCY if a site does not set them.
const (
	DefaultMaxEntries    = culling.DefaultMaxEntries
	DefaultCullFrequency = culling.DefaultFrequency
)

// CullAll is a CULL_FREQUENCY of 0: if there are too many items, all are deleted.
const CullAll = culling.All

// Cache is a cachestore.Cache and cachestore.Scanner over the folder. It is safe for
// use by several goroutines, and several processes may have one each.
type Cache struct {
	config   Config
	folder   *storefolder.Folder
	culls    *culling.Policy
	protocol byte // of the expiry's pickle
}

var (
	_ cachestore.Cache          = (*Cache)(nil)
	_ cachestore.Examiner       = (*Cache)(nil)
	_ cachestore.Scanner        = (*Cache)(nil)
	_ cachestore.ExpiredClearer = (*Cache)(nil)
	_ cachestore.Sizer          = (*Cache)(nil)
)

// New returns a cache over a folder.
func New(c Config) (*Cache, error) {
	switch {
	case c.Settings == nil:
		return nil, errors.New("filecache: Settings are missing")
	case c.Dir == "":
		return nil, errors.New("filecache: Dir is missing: the cache's LOCATION")
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, err
	}
	settings := *c.Settings                                   // copy: later changes by the caller must not apply
	settings.SecretKey, settings.SecretKeyFallbacks = "", nil // a cache signs nothing
	c.Settings = &settings
	cache := &Cache{config: c, protocol: protocolOf(c.Settings)}
	var err error
	cache.folder, err = storefolder.New(storefolder.Config{
		Dir: c.Dir, Setting: "LOCATION", MaxSize: settings.MaxStoredSize(),
		Package: "filecache", ShortKey: cachestore.ShortKey, Form: djsession.Unsigned,
		IsOurs:   isItem,
		Conflict: cache.conflict,
	})
	if err != nil {
		return nil, err
	}
	cache.culls, err = culling.New("filecache", slog.String("folder", cache.folder.Path), c.MaxEntries, c.CullFrequency, c.Logger)
	if err != nil {
		return nil, err
	}
	return cache, nil
}

// Close does nothing, since no file stays open.
func (c *Cache) Close() error { return nil }

// Dir returns the folder.
func (c *Cache) Dir() string { return c.folder.Path }

// String returns the kind of cache, and the folder.
func (c *Cache) String() string { return "files (" + c.folder.Path + ")" }
