// Package cachestore keeps sessions in one of the site's caches, as Django's engines cache
// and cached_db do.
//
// Open the cache that SESSION_CACHE_ALIAS names: package storeurl opens it from a URL, and
// packages rediscache, memcache, dbcache and filecache from their own configuration. Then
// [New] is the engine cache, and [NewCachedDB] the engine cached_db:
//
//	cache, err := rediscache.New(rediscache.Config{…})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//	store, err := cachestore.NewCachedDB(cache, database, cachestore.Config{…})
//
// [Config] repeats what the site's CACHES says about keys, KEY_PREFIX, VERSION and KEY_FUNCTION,
// and what its SessionStore says, cache_key_prefix. If one of them is wrong, no session is found. Django pickles the sessions in a cache. djsess
// reads a pickle without running anything in it.
//
// # Limits of a cache
//
// A cache may drop a session at any time, when it is full or restarts. Then the visitor is
// logged out. Keep sessions that must not be lost in the engine db or cached_db.
//
// A cached session has no signature: anybody who can write to the cache can log in as any
// user, and loading a session does not detect a wrong SECRET_KEY. Package djauth makes
// sure that a wrong key logs nobody out.
//
// # Beside a live Django
//
// [Store.Replace] stores a session only in place of the one that was loaded, so it never
// overwrites a change that Django made meanwhile. If the session is gone, because it was
// deleted or the cache dropped it, Replace returns djsession.ErrNotFound. Like Django it does
// not create the session again. Django itself saves whole sessions: a Django request that
// overlaps with ours overwrites our change. See the README.
//
// A session ends when its item in the cache does. Its timeout is Django's get_expiry_age at
// the time of the save; most caches cut it to whole seconds. Many caches return an item
// without the time at which it ends. Record.Expires is then zero, and [Store.Expires] asks the
// cache for the time if the cache can return it.
//
// # Errors
//
// Errors are *djsession.OpError. Its Store is the package of the cache if the cache returned
// the error, and otherwise "cachestore". If the value under a session's key is not a session,
// the error is a *djsession.PayloadError. Django overwrites such a value with an empty session;
// djsess never does.
//
// # Listing sessions
//
// [Store.Scan] needs a cache that can be enumerated. It yields an errors.ErrUnsupported for
// Memcached, and for a KEY_FUNCTION that hides the session keys. Scan finds sessions by the
// prefix of their cache keys. A cache in files keeps only hashes of its keys: there Scan takes
// every dict for a session, skips all other values, and yields records with a Name in place of
// a Key.
package cachestore

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// Config says how the site keeps sessions in its cache.
type Config struct {
	// Settings are the site's. Default for NewCachedDB: those of the database.
	Settings *djsession.Settings
	// Serializer encodes sessions for the cache. Default: pickle, in the protocol of the
	// site's Django. Of Django's cache clients only django-redis has other serializers.
	Serializer djsession.Serializer

	// KeyPrefix is CACHES[…]["KEY_PREFIX"]. Default: "".
	KeyPrefix string
	// Version is CACHES[…]["VERSION"]. Default: 1.
	Version int
	// KeyFunction is CACHES[…]["KEY_FUNCTION"]. Default: Django's, which returns
	// "prefix:version:key".
	KeyFunction func(key, keyPrefix string, version int) string

	// CacheKeyPrefix is the attribute cache_key_prefix of the site's SessionStore, if that is a
	// subclass of Django's. Default: Django's own, or for a CachedDB that of the database's
	// session model.
	CacheKeyPrefix string

	// ReadOnly refuses all writes with djsession.ErrReadOnly. A CachedDB does not change
	// its cache either.
	ReadOnly bool
	// Logger logs failures of the cache of a CachedDB, which the caller does not get as
	// errors. Default: slog.Default at the time of each message.
	Logger *slog.Logger
}

// Store is a djsession.Store, djsession.Scanner, djsession.UnchangedDeleter and
// djsession.BulkStore over a cache: the engine cache. It is safe for use by several goroutines.
type Store struct {
	sessions
}

var (
	_ djsession.Store            = (*Store)(nil)
	_ djsession.Scanner          = (*Store)(nil)
	_ djsession.UnchangedDeleter = (*Store)(nil)
	_ djsession.BulkStore        = (*Store)(nil)
	_ djsession.Evicter          = (*Store)(nil)
	_ djsession.Examiner         = (*Store)(nil)
	_ djsession.Sharded          = (*Store)(nil)
	_ djsession.UnsignedStore    = (*Store)(nil)
	_ djsession.Sizer            = (*Store)(nil)
)

// New returns the store of the engine cache. It sends nothing to the cache.
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

// IsUnsigned returns true: sessions in a cache have no signature.
func (s *Store) IsUnsigned() bool { return true }

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// Close closes the cache.
func (s *Store) Close() error { return s.cache.Close() }

// String returns Django's name of the engine, and the cache.
func (s *Store) String() string { return "cache (" + withoutParentheses(s.cache) + ")" }

// withoutParentheses returns "redis 10.0.0.5:6379" for a cache whose String is
// "redis (10.0.0.5:6379)".
func withoutParentheses(cache Cache) string {
	name := cache.String()
	kind, place, ok := strings.Cut(name, " (")
	if place, closed := strings.CutSuffix(place, ")"); ok && closed {
		return kind + " " + place
	}
	return name
}
