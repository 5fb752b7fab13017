package memcache_test

import (
	"fmt"
	"log"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/memcache"
)

// The engine cache on two Memcached servers, as in the site's settings:
//
//	CACHES = {"default": {
//	    "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
//	    "LOCATION": ["10.0.0.5:11211", "10.0.0.6:11211"],
//	}}
func ExampleNew() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := memcache.New(memcache.Config{
		Servers: []string{"10.0.0.5:11211", "10.0.0.6:11211"},
		Hash:    memcache.PyMemcache,
	})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	fmt.Println(store)
	// Output: cache (memcached 10.0.0.5:11211, 10.0.0.6:11211)
}
