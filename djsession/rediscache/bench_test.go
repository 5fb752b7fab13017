package rediscache_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// sessions are the sessions to load and save: a login, and a login with a cart.
var sessions = map[string]map[string]any{
	"Login": {
		"_auth_user_id":      "1",
		"_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash":    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	},
	"Cart": {
		"_auth_user_id":      "1",
		"_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
		"_auth_user_hash":    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"cart": func() (lines []map[string]any) {
			for i := range 20 {
				lines = append(lines, map[string]any{"product": i, "name": "A thing that is for sale", "price": 9.99, "count": 1})
			}
			return lines
		}(),
	},
}

// benchmark stores each session for f.
func benchmark(b *testing.B, f func(b *testing.B, client *redis.Client, store *cachestore.Store, record *djsession.Record, cacheKey string)) {
	for name, values := range sessions {
		b.Run(name, func(b *testing.B) {
			r := djangotest.Redis(b)
			settings, err := djsession.NewSettings(djangotest.Newest, "secret")
			if err != nil {
				b.Fatal(err)
			}
			c := client(b, r)
			store, err := cachestore.New(open(b, r, rediscache.Config{Writer: c}), cachestore.Config{
				Settings: settings, Serializer: djsession.PickleSerializer{Protocol: 5},
			})
			if err != nil {
				b.Fatal(err)
			}
			v := new(djsession.Values)
			for name, value := range values {
				if err := v.Set(name, value); err != nil {
					b.Fatal(err)
				}
			}
			record, err := store.Create(b.Context(), "", v, time.Time{})
			if err != nil {
				b.Fatal(err)
			}
			f(b, c, store, record, ":1:django.contrib.sessions.cache"+record.Key)
		})
	}
}

// A load is compared with a GET of the same bytes.
func BenchmarkLoad(b *testing.B) {
	benchmark(b, func(b *testing.B, client *redis.Client, store *cachestore.Store, record *djsession.Record, cacheKey string) {
		ctx := context.Background()
		benchratio.Run(b, "GET", func() {
			if _, err := client.Get(ctx, cacheKey).Bytes(); err != nil {
				b.Fatal(err)
			}
		}, func() {
			if _, err := store.Load(ctx, record.Key); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// A save is compared with a script that gets the same bytes.
func BenchmarkSave(b *testing.B) {
	benchmark(b, func(b *testing.B, client *redis.Client, store *cachestore.Store, record *djsession.Record, cacheKey string) {
		ctx := context.Background()
		script := redis.NewScript(`
			if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
			redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
			return 1`)
		record, err := store.Load(ctx, record.Key)
		if err != nil {
			b.Fatal(err)
		}
		stored, err := client.Get(ctx, cacheKey).Bytes()
		if err != nil {
			b.Fatal(err)
		}
		changed := record.Values.Clone()
		benchratio.Run(b, "EVALSHA", func() {
			if n, err := script.Run(ctx, client, []string{cacheKey}, stored, stored, 1209600000).Int(); err != nil || n != 1 {
				b.Fatal(n, err)
			}
		}, func() {
			if err := changed.Set("_auth_user_id", "1"); err != nil {
				b.Fatal(err)
			}
			if record, err = store.Replace(ctx, record, changed, time.Time{}); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// bulkSize is the number of sessions that are written at once.
const bulkSize = 500

// encoded returns a session as a site stores it.
func encoded(b *testing.B, v *djsession.Values) []byte {
	data, err := djsession.PickleSerializer{Protocol: 5}.Append(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	return data
}

// New sessions at once are compared with a pipeline that encodes and stores the same, and with
// Create.
func BenchmarkCreateAll(b *testing.B) {
	benchmark(b, func(b *testing.B, client *redis.Client, store *cachestore.Store, record *djsession.Record, cacheKey string) {
		ctx := context.Background()
		records := func() (records []*djsession.Record) {
			for range bulkSize {
				records = append(records, &djsession.Record{Key: djsession.NewKey(), Values: record.Values})
			}
			return records
		}
		pipeline := func() {
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, r := range records() {
					p.SetNX(ctx, ":1:django.contrib.sessions.cache"+r.Key, encoded(b, r.Values), 14*24*time.Hour)
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		createAll := func() {
			results, err := store.CreateAll(ctx, records())
			if err != nil || results[0].Err != nil {
				b.Fatal(err, results[0].Err)
			}
		}
		b.Run("x-pipeline", func(b *testing.B) { benchratio.Run(b, "pipeline", pipeline, createAll) })
		b.Run("x-Create", func(b *testing.B) {
			benchratio.Run(b, "Create", func() {
				for _, r := range records() {
					if _, err := store.Create(ctx, r.Key, r.Values, r.Expires); err != nil {
						b.Fatal(err)
					}
				}
			}, createAll)
		})
	})
}

// Changed sessions at once are compared with a pipeline that encodes the same and runs scripts, and
// with Replace.
func BenchmarkReplaceAll(b *testing.B) {
	benchmark(b, func(b *testing.B, client *redis.Client, store *cachestore.Store, record *djsession.Record, cacheKey string) {
		ctx := context.Background()
		stored, err := client.Get(ctx, cacheKey).Bytes()
		if err != nil {
			b.Fatal(err)
		}
		script := redis.NewScript(`if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
			redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
			return 1`)
		if err := script.Load(ctx, client).Err(); err != nil {
			b.Fatal(err)
		}
		var all []djsession.Replacement
		for range bulkSize {
			r, err := store.Create(ctx, "", record.Values, time.Time{})
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, djsession.Replacement{Old: r, Values: r.Values})
		}
		pipeline := func() {
			_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
				for _, r := range all {
					p.EvalSha(ctx, script.Hash(), []string{":1:django.contrib.sessions.cache" + r.Old.Key}, stored, encoded(b, r.Values), 1209600000)
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		replaceAll := func() {
			results, err := store.ReplaceAll(ctx, all)
			if err != nil || results[0].Err != nil {
				b.Fatal(err, results[0].Err)
			}
		}
		b.Run("x-pipeline", func(b *testing.B) { benchratio.Run(b, "pipeline", pipeline, replaceAll) })
		b.Run("x-Replace", func(b *testing.B) {
			benchratio.Run(b, "Replace", func() {
				for _, r := range all {
					if _, err := store.Replace(ctx, r.Old, r.Values, r.Expires); err != nil {
						b.Fatal(err)
					}
				}
			}, replaceAll)
		})
	})
}
