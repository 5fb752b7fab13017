// Package djangotest gives tests the real thing: a Django of each supported version as a child process, real PostgreSQL,
// MariaDB, Redis and Memcached servers, and what Djangos wrote into testdata.
//
// All of it is installed by testdata/install. A test whose peer is missing is skipped, or fails where CI=true.
//
//	db := djangotest.Postgres(t)
//	django := djangotest.Start(t, "5.2", djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true})
//	django.Do(t, `migrate()`, nil, nil)
//	var key string
//	django.Do(t, `
//		s = SessionStore()
//		s["name"] = args["name"]
//		s.save()
//		result = s.session_key
//	`, map[string]any{"name": "alice"}, &key)
//
// The SQL servers start on first use, once per test binary, and end with it, however it ends. A cache server starts in an
// instant: each test has its own, and may pause, stop and restart it.
//
//	redis := djangotest.Redis(t)
//	django := djangotest.Start(t, "5.2", djangotest.Settings{"CACHES": djangotest.Caches(redis.Django())})
package djangotest
