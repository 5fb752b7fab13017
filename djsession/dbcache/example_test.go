package dbcache_test

import (
	"database/sql"
	"fmt"
	"log"

	_ "modernc.org/sqlite"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbcache"
	"github.com/djsess/djsess/djsession/dbstore"
)

// The engine cache in a table, as in the site's settings:
//
//	CACHES = {"default": {
//	    "BACKEND": "django.core.cache.backends.db.DatabaseCache",
//	    "LOCATION": "site_cache",
//	}}
func ExampleNew() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:db.sqlite3?mode=ro")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := dbcache.New(dbcache.Config{DB: db, Dialect: dbstore.SQLite, Table: "site_cache", Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	fmt.Println(store)
	// Output: cache (database sqlite, site_cache)
}
