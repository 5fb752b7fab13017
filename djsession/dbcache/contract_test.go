package dbcache_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/storetest"
)

func TestContract(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site) {
		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
			s.exec(t, "DELETE FROM "+table)
			config := s.config
			config.Settings = settings
			store, err := cachestore.New(s.open(t, config), cachestore.Config{Settings: settings})
			if err != nil {
				t.Fatal(err)
			}
			return store
		}, storetest.Options{
			ForgetsExpired: true,
			Damage: func(t *testing.T, _ djsession.Store, key string) {
				s.exec(t, "UPDATE "+table+" SET value = 'gASVfQ' WHERE cache_key LIKE '%"+key+"'")
			},
		})
	})
}
