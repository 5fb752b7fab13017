package main

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sitefile"
)

// The stores that the site's settings file has, by the names that they have in [stores].
const (
	siteStore    = "site"          // the site's sessions
	siteDatabase = "site-database" // of a cached_db: its database
	siteCache    = "site-cache"    // of a cached_db: its cache
	siteUsers    = "site-users"    // the database of the users
)

var siteStores = []string{siteStore, siteDatabase, siteCache, siteUsers}

// addSiteStores adds the stores of the site's settings file to those of djsess.toml. There a table of the same name
// describes what the settings file leaves out, such as the password. If it has a URL or an engine, it stands for itself.
func (c *config) addSiteStores() error {
	if c.settingsFile == "" {
		return nil
	}
	file, err := sitefile.Read(c.settingsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &hinted{&configError{err}, `in the site's folder, "djsess settings -o FILE" writes it`}
	case err != nil:
		return &configError{err}
	}
	c.site = file
	c.addStoresOf(file)
	return nil
}

// addStoresOf adds the stores of a settings file.
func (c *config) addStoresOf(file *sitefile.File) {
	add := func(name string, found storeConfig) {
		s := c.stores[name]
		if s.url == "" && s.engine == "" {
			s.url, s.engine, s.cache, s.database = found.url, found.engine, found.cache, found.database
			c.stores[name] = s
		}
	}
	if file.Store.Engine == sitefile.CachedDB {
		add(siteStore, storeConfig{engine: cachedDB, cache: siteCache, database: siteDatabase})
		add(siteDatabase, storeConfig{url: file.Store.URL})
		add(siteCache, storeConfig{url: file.Store.Cache})
	} else {
		add(siteStore, storeConfig{url: file.Store.URL})
	}
	if file.Users != nil {
		add(siteUsers, storeConfig{url: file.Users.URL})
	}
}

// sharesDatabase reports whether the users are in the database of the sessions.
func sharesDatabase(file *sitefile.File) bool {
	// The URL of the sessions' database may have been given in another way, with its password.
	database := func(rawURL string) string {
		return storeurl.WithOption(storeurl.WithOption(rawURL, "table", ""), "model", "")
	}
	return file.Users != nil && database(file.Users.URL) == database(file.Store.URL)
}

// withoutURL returns the error for a store of siteStores that has no URL.
func (c *config) withoutURL(name string) error {
	switch {
	case c.site == nil:
		return configf("%s: stores.%s.url: it is missing, and there is no settings_file that could have it", c.file, name)
	case name == siteStore && c.site.Store.Engine == sitefile.SignedCookies:
		return configf("%s: there is no session store: %s", c.settingsFile, engineRemedy(sitefile.SignedCookies))
	}
	what := map[string]string{siteUsers: "the users' database", siteCache: "the cache of the site's sessions"}[name]
	return configf(`%s: it has no URL for %s ("left_out" says why): %s`, c.settingsFile, cmp.Or(what, "the site's session store"), storePlaces)
}

// storeNames returns the names that a store can be given by.
func (c *config) storeNames() string {
	var names []string
	for name, s := range c.stores {
		if s.url != "" || s.engine != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
