package djangotest

import "testing"

// Every client that a Django has writes to its server and reads from it.
func TestCaches(t *testing.T) {
	NotShort(t, "many servers and Djangos")
	redis := Redis(t)
	secret := RedisWith(t, RedisOptions{Password: "s3cret: /?@", TLS: true})
	replica := RedisWith(t, RedisOptions{ReplicaOf: redis})
	sentinel := RedisSentinel(t, "s3cret")
	cluster := RedisCluster(t)
	servers, socket := Memcached(t, 3), MemcachedSocket(t)
	own := Since("4.0")
	all := Since("3.2")
	for _, c := range []struct {
		name     string
		versions []string
		module   string
		entry    map[string]any
	}{
		{"RedisCache", own, "redis", redis.Django()},
		{"RedisCache TLS", own, "redis", secret.Django()},
		{"RedisCache replica", own, "redis", redis.Django(replica)},
		{"RedisCache cluster", own, "redis", cluster.Django()},
		{"django-redis", all, "django_redis", redis.DjangoRedis()},
		{"django-redis TLS", all, "django_redis", secret.DjangoRedis()},
		{"django-redis replica", all, "django_redis", redis.DjangoRedis(replica)},
		{"django-redis sentinel", all, "django_redis", sentinel.DjangoRedis()},
		{"django-redis cluster", all, "django_redis", cluster.DjangoRedis()},
		{"PyMemcacheCache", all, "pymemcache", servers.Django("PyMemcacheCache")},
		{"PyMemcacheCache socket", all, "pymemcache", socket.Django("PyMemcacheCache")},
		{"PyLibMCCache", all, "pylibmc", servers.Django("PyLibMCCache")},
		{"PyLibMCCache socket", all, "pylibmc", socket.Django("PyLibMCCache")},
		{"MemcachedCache", []string{"3.2"}, "memcache", servers.Django("MemcachedCache")},
		{"MemcachedCache socket", []string{"3.2"}, "memcache", socket.Django("MemcachedCache")},
	} {
		for _, version := range c.versions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				NeedModule(t, version, c.module)
				t.Parallel()
				d := Start(t, version, Settings{
					"CACHES":         Caches(c.entry),
					"SESSION_ENGINE": "django.contrib.sessions.backends.cache",
				})
				var got struct{ Backend, Name string }
				d.Do(t, `
					import time
					from django.core.cache import caches
					s = SessionStore()
					s["name"] = args
					s.save()
					for _ in range(500):  # A replica may lag.
						name = SessionStore(s.session_key).get("name")
						if name:
							break
						time.sleep(0.01)
					backend = type(caches["default"])
					result = {"backend": backend.__module__ + "." + backend.__name__, "name": name}
				`, "Zażółć", &got)
				if got.Backend != c.entry["BACKEND"] || got.Name != "Zażółć" {
					t.Errorf("%v answered %+v", c.entry["BACKEND"], got)
				}
			})
		}
	}
}
