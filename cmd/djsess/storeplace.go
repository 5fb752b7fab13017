package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession/storeurl"
)

// defaultStore is where django-admin startproject puts the database.
const defaultStore = "db.sqlite3"

const storePlaces = "give one by --store URL, by $DJSESS_STORE or $DATABASE_URL, or as store under the name of one of [stores] in " + configName

// place is where the sessions are.
type place struct {
	url     string // with a cache before it, that of the database
	cache   string // the URL of the cache of cached_db, or ""
	namedBy string
	scheme  storeurl.Scheme // of url, once check has found it
}

// storePlace finds the store, and tells who named it.
func (a *app) storePlace(c *config) (place, error) {
	if storeurl.HasSecret(a.flags.store) {
		return place{}, configf("--store: passwords and keys are refused on the command line, where every user of this machine can read them: "+
			"give the URL by $DJSESS_STORE or $DATABASE_URL, or under [stores] in %s (and PostgreSQL's password by ~/.pgpass)", configName)
	}
	for _, source := range []struct{ value, name string }{
		{a.flags.store, "--store"},
		{os.Getenv("DJSESS_STORE"), "$DJSESS_STORE"},
		{os.Getenv("DATABASE_URL"), "$DATABASE_URL"},
	} {
		switch {
		case source.name == "$DATABASE_URL" && source.value != "" && c.stores[c.store].engine == cachedDB:
			// Django's variable: what is done to the database alone, the site's cache does not know.
			return place{}, configf("$DATABASE_URL names a database, and %s a store, %q, that is a cached_db: say by --store or $DJSESS_STORE which it is to be", c.file, c.store)
		case storeurl.IsURL(source.value):
			return place{url: source.value, namedBy: source.name}, nil
		case source.value != "":
			return c.namedStore(source.value, source.name)
		}
	}
	if c.store != "" {
		namedBy := c.file + ": store"
		if storeurl.IsURL(c.store) {
			return place{url: c.relative(c.store), namedBy: namedBy}, nil
		}
		return c.namedStore(c.store, namedBy)
	}
	if _, err := os.Stat(defaultStore); errors.Is(err, fs.ErrNotExist) {
		return place{}, configf("there is no store: %s; without one it is ./%s, which is not here", storePlaces, defaultStore)
	}
	return place{url: "sqlite:///" + defaultStore, namedBy: "./" + defaultStore}, nil
}

// namedStore is one of [stores].
func (c *config) namedStore(name, namedBy string) (place, error) {
	s, ok := c.stores[name]
	if !ok || s.engine != cachedDB {
		rawURL, err := c.storeURL(name, namedBy)
		return place{url: rawURL, namedBy: namedBy}, err
	}
	cache, err := c.partURL(s.cache, c.file+": stores."+name+".cache")
	if err != nil {
		return place{}, err
	}
	database, err := c.partURL(s.database, c.file+": stores."+name+".database")
	return place{url: database, cache: cache, namedBy: namedBy}, err
}

// partURL is the URL of a part of cached_db.
func (c *config) partURL(value, namedBy string) (string, error) {
	if storeurl.IsURL(value) {
		return c.relative(value), nil
	}
	return c.storeURL(value, namedBy)
}

// storeURL is the URL of a named store.
func (c *config) storeURL(name, namedBy string) (string, error) {
	s, ok := c.stores[name]
	switch known := slices.Sorted(maps.Keys(c.stores)); {
	case ok && s.engine == cachedDB:
		return "", configf("%s: %s is a cached_db itself", namedBy, shown(name))
	case ok:
	case strings.ContainsAny(name, "./"):
		return "", configf("%s: %s is no URL: a SQLite file is sqlite:///relative/path or sqlite:////absolute/path", namedBy, shown(name))
	case c.file == "":
		return "", configf("%s: %s is no URL, and there is no %s that could name it", namedBy, shown(name), configName)
	case len(known) == 0:
		return "", configf("%s: %s is no URL, and %s names no stores", namedBy, shown(name), c.file)
	default:
		return "", configf("%s: %s is no URL and none of the stores in %s: there are %s", namedBy, shown(name), c.file, strings.Join(known, ", "))
	}
	rawURL := c.relative(s.url)
	if s.passwordFile != "" {
		secrets, info, err := readSecrets(c.path(s.passwordFile), named)
		if err == nil {
			c.warn(c.file+": stores."+name+".password_file", exposed(info))
		} else {
			return "", configf("%s: stores.%s.password_file: %w", c.file, name, err)
		}
		if rawURL, err = storeurl.WithPassword(rawURL, secrets[0].text); err != nil {
			return "", configf("%s: stores.%s.password_file: %w", c.file, name, err)
		}
	}
	for _, option := range []struct{ name, value string }{{"table", s.table}, {"time_zone", s.timeZone}} {
		if option.value != "" {
			rawURL = storeurl.WithOption(rawURL, option.name, option.value)
		}
	}
	return rawURL, nil
}

// relative makes the path of a sqlite:///relative or file:///relative URL one from
// the configuration's folder.
func (c *config) relative(rawURL string) string {
	return storeurl.Resolve(rawURL, filepath.Dir(c.file))
}

// fromPlace says where the store comes from, for messages.
func fromPlace(namedBy string) string { return "the store is that of " + namedBy }
