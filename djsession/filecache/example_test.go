package filecache_test

import (
	"fmt"
	"log"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/filecache"
)

// The engine cache in a folder, as in the site's settings:
//
//	CACHES = {"default": {
//	    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
//	    "LOCATION": "/var/cache/site",
//	    "KEY_PREFIX": "site",
//	}}
func ExampleNew() {
	dir, err := os.MkdirTemp("", "") // in place of /var/cache/site
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	cache, err := filecache.New(filecache.Config{Dir: dir, Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings, KeyPrefix: "site"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Close())
	// Output: <nil>
}
