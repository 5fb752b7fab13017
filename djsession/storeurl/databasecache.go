package storeurl

import (
	"errors"

	"github.com/djsess/djsess/djsession/dbcache"
)

// openCache opens dbcache+postgres://…?table=.
func (d *database) openCache(u *storeURL, c *openedCache) error {
	config := dbcache.Config{
		Dialect:  d.dialect,
		Settings: c.config.Settings,
		Table:    u.take("table"),
		TimeZone: u.take("time_zone"),
		ReadOnly: u.readOnly,
	}
	if config.Table == "" {
		return errors.New("it names no table: ?table= is the LOCATION of the site's DatabaseCache")
	}
	var err error
	if config.MaxEntries, config.CullFrequency, err = u.culling(); err != nil {
		return err
	}
	if config.DB, config.Timeout, err = d.open(u); err != nil {
		return err
	}
	cache, err := dbcache.New(config)
	if err != nil {
		config.DB.Close()
		return err
	}
	c.cache = cache
	return nil
}

// culling takes MAX_ENTRIES and CULL_FREQUENCY. Without the first, culling is left to
// the site.
func (u *storeURL) culling() (maxEntries, frequency int, err error) {
	if maxEntries, err = u.number("max_entries", 0); err == nil {
		frequency, err = u.number("cull_frequency", dbcache.DefaultCullFrequency)
	}
	if frequency == 0 {
		frequency = dbcache.CullAll
	}
	return maxEntries, frequency, err
}
