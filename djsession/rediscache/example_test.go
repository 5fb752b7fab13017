package rediscache_test

import (
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
)

// The engine cache on Redis, as in the site's settings:
//
//	CACHES = {"default": {
//	    "BACKEND": "django.core.cache.backends.redis.RedisCache",
//	    "LOCATION": "redis://10.0.0.5:6379/0",
//	}}
func ExampleNew() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: "10.0.0.5:6379", ContextTimeoutEnabled: true})
	cache, err := rediscache.New(rediscache.Config{Writer: client})
	if err != nil {
		log.Fatal(err)
	}
	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	fmt.Println(store)
	// Output: cache (redis 10.0.0.5:6379)
}
