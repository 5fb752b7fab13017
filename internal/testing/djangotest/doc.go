// Package djangotest runs the peers that tests need: Djangos, PostgreSQL, PgBouncer, MariaDB, Redis and Memcached. Nothing is
// simulated. It also reads the sessions and signatures that Djangos wrote into testdata.
//
// A Django is a Python process that a test sends code to ([Start], [Django.Do]). testdata/peer.py is its program. All of one release in a
// test binary are forks of a process that has imported Django, so that a start takes a tenth of a second.
// `make test` or testdata/install installs the peers. If a peer is missing, the test is skipped; with CI=true it fails.
// With -short fewer Djangos and servers start: see [Djangos], [Databases] and [NotShort].
//
//	db := djangotest.Postgres(t)
//	django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true})
//	django.Do(t, `migrate()`, nil, nil)
//	var key string
//	django.Do(t, `
//		s = SessionStore()
//		s["name"] = args["name"]
//		s.save()
//		result = s.session_key
//	`, map[string]any{"name": "alice"}, &key)
//
// A database server starts on first use and serves all tests of the test binary. It ends with the binary, even if that is
// killed. A test package that uses one calls [Main] in its TestMain. Each test has a database of its own.
//
// A cache server starts in a few milliseconds. Each test has its own and may pause, stop and restart it.
//
//	redis := djangotest.Redis(t)
//	django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"CACHES": djangotest.Caches(redis.Django())})
package djangotest
