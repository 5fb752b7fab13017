package storeurl

import (
	"errors"

	"github.com/djsess/djsess/djsession/filecache"
)

// openFileCache opens filecache:////folder.
func openFileCache(u *storeURL, c *openedCache) error {
	if u.user != "" || u.hasHost() {
		return errors.New("a folder's URL has no host: it is filecache:///relative/path or filecache:////absolute/path")
	}
	if u.path == "" {
		return errors.New("it names no folder: the LOCATION of the site's FileBasedCache")
	}
	config := filecache.Config{Dir: u.path, Settings: c.config.Settings, ReadOnly: u.readOnly}
	var err error
	if config.MaxEntries, config.CullFrequency, err = u.culling(); err != nil {
		return err
	}
	if err := u.onlyKnown("", nil); err != nil {
		return err
	}
	cache, err := filecache.New(config)
	if err != nil {
		return err
	}
	c.cache = cache
	return nil
}
