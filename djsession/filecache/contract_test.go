package filecache_test

import (
	"os"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/filecache"
	"github.com/djsess/djsess/djsession/storetest"
)

func TestContract(t *testing.T) {
	caches := map[djsession.Store]*filecache.Cache{}
	storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
		cache := open(t, filecache.Config{Settings: settings})
		store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		caches[store] = cache
		return store
	}, storetest.Options{
		ForgetsExpired: true,
		NamesOnly:      true,
		Damage: func(t *testing.T, store djsession.Store, key string) {
			file := path(caches[store], ":1:django.contrib.sessions.cache"+key)
			if err := os.WriteFile(file, []byte("not Django's"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	})
}
