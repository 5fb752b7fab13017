package main

import (
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession/storeurl"
)

// defaultStore is where django-admin startproject puts the database.
const defaultStore = "db.sqlite3"

const storePlaces = "give one by --store URL, by $DJSESS_STORE or $DATABASE_URL, or as store under the name of one of [stores] in " + configName

// storePlace finds the store's URL, and tells who named it.
func (a *app) storePlace(c *config) (rawURL, namedBy string, err error) {
	if storeurl.HasPassword(a.flags.store) {
		return "", "", configf("--store: passwords are refused on the command line, where every user of this machine can read them: "+
			"give the URL by $DJSESS_STORE or $DATABASE_URL, or under [stores] in %s (and PostgreSQL's password by ~/.pgpass)", configName)
	}
	for _, place := range []struct{ value, name string }{
		{a.flags.store, "--store"},
		{os.Getenv("DJSESS_STORE"), "$DJSESS_STORE"},
		{os.Getenv("DATABASE_URL"), "$DATABASE_URL"},
	} {
		switch {
		case storeurl.IsURL(place.value):
			return place.value, place.name, nil
		case place.value != "":
			rawURL, err = c.storeURL(place.value, place.name)
			return rawURL, place.name, err
		}
	}
	if c.store != "" {
		namedBy = c.file + ": store"
		if storeurl.IsURL(c.store) {
			return c.relative(c.store), namedBy, nil
		}
		rawURL, err = c.storeURL(c.store, namedBy)
		return rawURL, namedBy, err
	}
	if _, err := os.Stat(defaultStore); errors.Is(err, fs.ErrNotExist) {
		return "", "", configf("there is no store: %s; without one it is ./%s, which is not here", storePlaces, defaultStore)
	}
	return "sqlite:///" + defaultStore, "./" + defaultStore, nil
}

// storeURL is the URL of a named store.
func (c *config) storeURL(name, namedBy string) (string, error) {
	s, ok := c.stores[name]
	switch known := slices.Sorted(maps.Keys(c.stores)); {
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
		secrets, err := readSecrets(c.path(s.passwordFile))
		if err != nil {
			return "", configf("%s: stores.%s.password_file: %w", c.file, name, err)
		}
		if rawURL, ok = withPassword(rawURL, secrets[0]); !ok {
			return "", configf("%s: stores.%s.password_file: the url must name a user, and no password", c.file, name)
		}
	}
	for _, option := range []struct{ name, value string }{{"table", s.table}, {"time_zone", s.timeZone}} {
		if option.value != "" {
			rawURL = withOption(rawURL, option.name, option.value)
		}
	}
	return rawURL, nil
}

// relative makes the path of a sqlite:///relative or file:///relative URL one from
// the configuration's folder.
func (c *config) relative(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, ":///")
	if !strings.EqualFold(scheme, "sqlite") && !strings.EqualFold(scheme, "file") {
		return rawURL
	}
	escaped, query, hasQuery := strings.Cut(rest, "?")
	path, err := url.PathUnescape(escaped)
	if err != nil || path == "" || filepath.IsAbs(path) {
		return rawURL // storeurl says what is wrong with it
	}
	path = filepath.ToSlash(c.path(path))
	rawURL = scheme + ":///" + (&url.URL{Path: path}).EscapedPath()
	if hasQuery {
		rawURL += "?" + query
	}
	return rawURL
}

// withPassword puts a password behind the user of a URL.
func withPassword(rawURL, password string) (string, bool) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	end := strings.IndexAny(rest+"/", "/?")
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 || strings.Contains(rest[:at], ":") {
		return "", false
	}
	escaped := strings.ReplaceAll(url.QueryEscape(password), "+", "%20")
	return scheme + "://" + rest[:at] + ":" + escaped + rest[at:], true
}

func withOption(rawURL, name, value string) string {
	separator := "?"
	if strings.Contains(rawURL, "?") {
		separator = "&"
	}
	return rawURL + separator + name + "=" + url.QueryEscape(value)
}

// fromPlace says where the store comes from, for messages.
func fromPlace(namedBy string) string { return "the store is that of " + namedBy }
