package rediscache_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A cache reads what old compressors wrote and says so, and the next write uses the new one.
func TestOldCompressors(t *testing.T) {
	const old, current = "old", "current"
	server := djangotest.Redis(t)
	long := strings.Repeat("a session ", 50)
	for _, tt := range []struct {
		name   string
		writer rediscache.Compressor
		config rediscache.Config
		data   string
		want   string
	}{
		{"zlib to zstd", rediscache.Zlib, rediscache.Config{Compressor: rediscache.Zstd, OldCompressors: []rediscache.Compressor{rediscache.Zlib}}, long, old},
		{"zlib to none", rediscache.Zlib, rediscache.Config{OldCompressors: []rediscache.Compressor{rediscache.LZMA, rediscache.Zlib}}, long, old},
		{"none to zstd", "", rediscache.Config{Compressor: rediscache.Zstd, OldCompressors: []rediscache.Compressor{""}}, long, old},
		{"none to zstd, too short", "", rediscache.Config{Compressor: rediscache.Zstd, OldCompressors: []rediscache.Compressor{""}}, "short", current},
		{"none beside zstd", "", rediscache.Config{Compressor: rediscache.Zstd}, long, current},
		{"zstd stays", rediscache.Zstd, rediscache.Config{Compressor: rediscache.Zstd, OldCompressors: []rediscache.Compressor{"", rediscache.Zlib}}, long, current},
		{"not among them", rediscache.LZ4, rediscache.Config{Compressor: rediscache.Zstd, OldCompressors: []rediscache.Compressor{rediscache.Zlib}}, long, "unreadable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.Do(t, "FLUSHALL")
			if _, err := open(t, server, rediscache.Config{Compressor: tt.writer}).Add(t.Context(), "key", []byte(tt.data), time.Hour); err != nil {
				t.Fatal(err)
			}
			cache := open(t, server, tt.config)
			item, err := cache.Get(t.Context(), "key")
			got := current
			switch {
			case err != nil:
				got = "unreadable"
			case item.Old:
				got = old
			}
			if got != tt.want || err == nil && string(item.Data) != tt.data {
				t.Fatalf("it is %s, want %s (%v)", got, tt.want, err)
			}
			if got == "unreadable" {
				return
			}
			if _, err := cache.Swap(t.Context(), "key", item, item.Data, cachestore.KeepTimeout); err != nil {
				t.Fatal(err)
			}
			if item, err = cache.Get(t.Context(), "key"); err != nil || item.Old || string(item.Data) != tt.data {
				t.Errorf("after a write: %v, old: %v, %v", item, item.Old, err)
			}
		})
	}
	for name, config := range map[string]rediscache.Config{
		"the compressor itself": {Compressor: rediscache.Zlib, OldCompressors: []rediscache.Compressor{rediscache.Zlib}},
		"unknown":               {OldCompressors: []rediscache.Compressor{"rar"}},
	} {
		writer := redis.NewClient(&redis.Options{Addr: server.Addr})
		t.Cleanup(func() { writer.Close() })
		config.Writer = writer
		if _, err := rediscache.New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The records of a cache with several serializers say which of them read them.
func TestOldSerializer(t *testing.T) {
	server := djangotest.Redis(t)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	storeWith := func(serializer djsession.Serializer) *cachestore.Store {
		store, err := cachestore.New(open(t, server, rediscache.Config{DjangoRedis: true}), cachestore.Config{Settings: settings, Serializer: serializer})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	created, err := storeWith(nil).Create(t.Context(), "", new(djsession.Values), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	both := storeWith(djsession.Serializers{rediscache.JSONSerializer{}, settings.PickleSerializer()})
	for _, want := range []bool{true, false} {
		r, err := both.Load(t.Context(), created.Key)
		if err != nil || r.Origin.Old != want {
			t.Fatalf("old: %v, want %v (%v)", r.Origin.Old, want, err)
		}
		if _, err := both.Replace(t.Context(), r, r.Values, djsession.KeepExpiry); err != nil {
			t.Fatal(err)
		}
	}
}
