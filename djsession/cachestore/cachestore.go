// Package cachestore keeps sessions in one of the site's caches, as Django's engines
// cache and cached_db do.
//
//	cache, err := rediscache.New(rediscache.Config{…})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})        // engine cache
//	store, err := cachestore.NewCachedDB(cache, database, cachestore.Config{…})       // engine cached_db
//
// The cache is the one that SESSION_CACHE_ALIAS names, and package storeurl makes it
// from a URL. [Config] says what the site's CACHES says of its keys. Django pickles
// what it caches; Go reads that without running anything.
//
// # What a cache is, and is not
//
// A cache may forget a session at any time, when it is full or restarts, and then the
// visitor is logged out. Nor does anything tell that the site wrote what is there:
// there is no signature, so that whoever can write to the cache can be anybody, and
// the wrong SECRET_KEY does not show when a session is loaded. Package djauth takes
// care that this logs nobody out.
//
// A value under a session's key that is no session is a *djsession.PayloadError: Django
// has an empty session then, and overwrites it; djsess leaves it.
//
// # Beside a live Django
//
// Nothing that Django writes is lost to a write of ours: [Store.Replace] stores only in
// place of what was loaded. A session that is gone, deleted or thrown out by the cache,
// is not made again, nor does Django make it again. Django saves whole sessions, and so
// a request of its own that overlaps with ours overwrites what we wrote; see the README.
//
// A session ends when its item does. Its age is Django's get_expiry_age at the moment
// that it is saved, which the cache cuts to whole seconds. Many caches do not tell when
// that is: Record.Expires is zero then, and [Store.Expires] may know.
//
// # Listing sessions
//
// [Store.Scan] is for caches that can be enumerated, which Memcached cannot: there, and
// with a KEY_FUNCTION after which session keys are not to be seen in cache keys, it
// yields an error that is errors.ErrUnsupported. A session is known by the prefix
// of its key. A cache in files has only hashes of its keys: there every dict is taken
// for a session, whatever else the site caches passed over, and the records have a
// Name instead of a Key.
package cachestore

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// Config says how the site keeps sessions in its cache.
type Config struct {
	// Settings are the site's. NewCachedDB takes the database's when it has none.
	Settings *djsession.Settings
	// Serializer is what the cache makes bytes of a session with. Default: pickle,
	// in the protocol that the site's Django writes. Of Django's and django-redis's
	// caches only those of django-redis can have another.
	Serializer djsession.Serializer

	// KeyPrefix is CACHES[…]["KEY_PREFIX"]. Default: "".
	KeyPrefix string
	// Version is CACHES[…]["VERSION"]. Default: 1.
	Version int
	// KeyFunction is CACHES[…]["KEY_FUNCTION"]. Default: Django's, which is
	// "prefix:version:key".
	KeyFunction func(key, keyPrefix string, version int) string

	// ReadOnly refuses whatever would write, and leaves the cache of cached_db as it
	// is.
	ReadOnly bool
	// Logger is told what befalls the cache of cached_db, where that is no error.
	// Default: slog.Default, as it is when something happens.
	Logger *slog.Logger
}

// Store is a djsession.Store, djsession.Scanner and djsession.UnchangedDeleter over a
// cache: the engine cache. It is safe for use by several goroutines.
type Store struct {
	sessions
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.Sharded          = (*Store)(nil)
	_ djsession.UnsignedStore    = (*Store)(nil)
)

// New returns the store of the engine cache. It does not ask the cache anything.
func New(cache Cache, c Config) (*Store, error) {
	if c.Settings == nil {
		return nil, errors.New("cachestore: Settings are missing")
	}
	s, err := newSessions(cache, cachePrefix, c)
	if err != nil {
		return nil, err
	}
	return &Store{s}, nil
}

// NothingSigned reports that a cache keeps sessions without a signature.
func (s *Store) NothingSigned() bool { return true }

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// Close closes the cache.
func (s *Store) Close() error { return s.cache.Close() }

// String is Django's name of the engine, and what it is on.
func (s *Store) String() string { return "cache (" + inParentheses(s.cache) + ")" }

// inParentheses is a cache's name where parentheses are around it: "redis
// (10.0.0.5:6379)" without its own.
func inParentheses(cache Cache) string {
	name := cache.String()
	kind, place, ok := strings.Cut(name, " (")
	if place, closed := strings.CutSuffix(place, ")"); ok && closed {
		return kind + " " + place
	}
	return name
}
