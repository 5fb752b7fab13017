package rediscache_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/rediscache"
)

func TestNew(t *testing.T) {
	c := redis.NewClient(&redis.Options{Addr: "10.0.0.5:6379", Password: secret})
	for name, config := range map[string]rediscache.Config{
		"client is missing":       {},
		"a client is missing":     {Writer: c, Readers: []redis.UniversalClient{nil}},
		"unknown compressor":      {Writer: c, Compressor: "brotli"},
		"zlib, gzip, lzma":        {Writer: c, Compressor: "Zlib"},
		"MaxSize -1":              {Writer: c, MaxSize: -1},
		"Writer reads from repli": {Writer: redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"10.0.0.5:6379"}, RouteRandomly: true})},
	} {
		if _, err := rediscache.New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %s", err, name)
		}
	}
	for want, client := range map[string]redis.UniversalClient{
		"redis (10.0.0.5:6379)":                        c,
		"redis (cluster 10.0.0.5:6379, 10.0.0.6:6379)": redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{"10.0.0.5:6379", "10.0.0.6:6379"}}),
	} {
		cache, err := rediscache.New(rediscache.Config{Writer: client})
		if err != nil {
			t.Fatal(err)
		}
		if cache.String() != want {
			t.Errorf("%s, want %s", cache, want)
		}
		if err := cache.Close(); err != nil {
			t.Error(err)
		}
	}
}
