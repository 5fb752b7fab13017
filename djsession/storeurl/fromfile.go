package storeurl

import (
	"errors"
	"fmt"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/sitefile"
)

// OpenFromFile returns the session store of a file that "djsess settings" wrote in the site.
//
// The file holds no password. PostgreSQL also takes it from $PGPASSWORD and from ~/.pgpass. If
// another server wants one, use WithPasswordFrom (and WithCachePasswordFrom), or open the store with Open
// or OpenCachedDB, by a URL that has it. A session model of the site's own, which is neither Django's nor
// one that a URL can name, needs WithModel.
func OpenFromFile(path string, settings *djsession.Settings, options ...Option) (Store, error) {
	file, err := sitefile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("storeurl: %w", err)
	}
	store, err := openSite(file.Store, settings, options)
	if err != nil {
		return nil, fmt.Errorf("storeurl: settings file %s: %w", path, err)
	}
	return store, nil
}

func openSite(s sitefile.Store, settings *djsession.Settings, options []Option) (Store, error) {
	switch {
	case s.Engine == sitefile.SignedCookies:
		return nil, errors.New("the sessions are in signed cookies: use cookiestore.New")
	case s.URL == "" || s.Engine == sitefile.CachedDB && s.Cache == "":
		return nil, errors.New(`it has no URL for the site's session store ("left_out" says why): use Open or OpenCachedDB`)
	case s.Engine == sitefile.CachedDB:
		store, err := OpenCachedDB(s.Cache, s.URL, settings, options...)
		if err != nil {
			return nil, err // and not a nil *cachestore.CachedDB
		}
		return store, nil
	}
	return Open(s.URL, settings, options...)
}

// OpenUsersFromFile opens the database of the users that such a file names, for djauth.FromFile. It
// is for a site whose sessions are not in that database: in a cache, in files or in cookies.
func OpenUsersFromFile(path string, settings *djsession.Settings, options ...Option) (Store, error) {
	file, err := sitefile.Read(path)
	if err != nil {
		return nil, fmt.Errorf("storeurl: %w", err)
	}
	if file.Users == nil || file.Users.URL == "" {
		return nil, fmt.Errorf(`storeurl: settings file %s: it has no URL for the users' database ("left_out" says why): use Open`, path)
	}
	return Open(file.Users.URL, settings, options...)
}
