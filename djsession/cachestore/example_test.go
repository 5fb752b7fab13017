package cachestore_test

import (
	"database/sql"
	"fmt"
	"log"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/memcache"
)

// The engine cache, for a site whose cache has a prefix:
//
//	SESSION_ENGINE = "django.contrib.sessions.backends.cache"
//	CACHES = {"default": {
//	    "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
//	    "LOCATION": "10.0.0.5:11211",
//	    "KEY_PREFIX": "shop",
//	}}
func ExampleNew() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := memcache.New(memcache.Config{Servers: []string{"10.0.0.5:11211"}})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings, KeyPrefix: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	fmt.Println(store)
	// Output: cache (memcached 10.0.0.5:11211)
}

// The engine cached_db: the cache is in front of the table django_session.
func ExampleNewCachedDB() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := memcache.New(memcache.Config{Servers: []string{"10.0.0.5:11211"}})
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("postgres", "postgres://go@10.0.0.6/site?binary_parameters=yes")
	if err != nil {
		log.Fatal(err)
	}
	database, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.NewCachedDB(cache, database, cachestore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	fmt.Println(store)
	// Output: cached_db (memcached 10.0.0.5:11211, postgresql)
}
