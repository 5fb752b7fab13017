package storeurl

import (
	"errors"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/djsession/filestore"
)

// openFolder opens the engine file, file:////folder.
func openFolder(u *storeURL, settings *djsession.Settings) (Store, error) {
	if u.path == "" {
		return nil, errors.New("the URL names no folder: want the site's SESSION_FILE_PATH, or else the folder of its temporary files, such as file:////tmp")
	}
	store, err := filestore.New(filestore.Config{Dir: u.path, Settings: settings, Prefix: u.take("prefix"), ReadOnly: u.readOnly})
	if err != nil {
		return nil, err // and not a nil *filestore.Store
	}
	return store, nil
}

// openFileCache opens a FileBasedCache, filecache:////folder.
func openFileCache(u *storeURL, c *openedCache) error {
	if u.path == "" {
		return errors.New("the URL names no folder: want the LOCATION of the site's FileBasedCache")
	}
	config := filecache.Config{Dir: u.path, Settings: c.config.Settings, ReadOnly: u.readOnly}
	var err error
	if config.MaxEntries, config.CullFrequency, err = u.culling(); err != nil {
		return err
	}
	cache, err := filecache.New(config)
	if err != nil {
		return err
	}
	c.cache = cache
	return nil
}
