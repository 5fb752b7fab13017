package cachestore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// cachedSite is a Django with the engine cached_db, over Redis and SQLite, and the same
// engine in Go.
type cachedSite struct {
	*site
	redis *djangotest.RedisServer
	store *cachestore.CachedDB
	log   *lockedBuffer
}

func newCachedSite(t *testing.T, version string) *cachedSite {
	t.Helper()
	s := &cachedSite{redis: djangotest.Redis(t), log: new(lockedBuffer)}
	kind := cacheKind{start: func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		if version == "3.2" {
			return s.redis.DjangoRedis(), opensRedis(s.redis, rediscache.Config{DjangoRedis: true})
		}
		return s.redis.Django(), opensRedis(s.redis, rediscache.Config{})
	}}
	s.site = newSite(t, version, "cached_db", kind, nil)
	s.open(t, dbstore.SQLite, s.openDB(t))
	return s
}

func (s *cachedSite) open(t *testing.T, dialect dbstore.Dialect, db *sql.DB) {
	t.Helper()
	rows, err := dbstore.New(db, dbstore.Config{Dialect: dialect, Settings: s.settings})
	must(t, rows, err)
	s.store, err = cachestore.NewCachedDB(s.cache, rows, cachestore.Config{Logger: slog.New(slog.NewTextHandler(s.log, nil))})
	must(t, s.store, err)
	t.Cleanup(func() { s.store.Close() })
}

// create creates a session in Django.
func (s *cachedSite) create(t *testing.T) (session string) {
	t.Helper()
	s.Do(t, `
		session = SessionStore()
		session["a"] = 1.0
		session.save()
		result = session.session_key
	`, nil, &session)
	return session
}

// django returns the session as Django loads it.
func (s *cachedSite) django(t *testing.T, session string) (holds string) {
	t.Helper()
	s.Do(t, `result = json.dumps(SessionStore(args).load())`, session, &holds)
	return holds
}

// holds returns the session as Go loads it, and whether it was cached.
func (s *cachedSite) holds(t *testing.T, session string) (holds string, cached bool) {
	t.Helper()
	r, err := s.store.Load(t.Context(), session)
	if err != nil {
		return err.Error(), false
	}
	return fixture.JSON(t, r.Values), r.Origin.Form == djsession.Unsigned
}

func TestCachedDBBesideDjango(t *testing.T) {
	for _, version := range djangotest.Djangos(versions...) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newCachedSite(t, version)
			ctx := t.Context()
			session := s.create(t)
			if holds, cached := s.holds(t, session); holds != `{"a":1.0}` || !cached {
				t.Errorf("what Django has cached: %s, %v", holds, cached)
			}
			r, err := djsession.Update(ctx, s.store, session, edit.Set("go", 1))
			if err != nil {
				t.Fatal(err)
			}
			if holds := s.django(t, session); holds != `{"a": 1.0, "go": 1}` {
				t.Errorf("written by Go, in Django %s", holds)
			}
			s.Do(t, `
				session = SessionStore(args)
				session["django"] = True
				session.save()
			`, session, nil)
			var conflict *djsession.ConflictError
			if _, err := s.store.Replace(ctx, r, r.Values, time.Time{}); !errors.As(err, &conflict) || !conflict.Current.Values.Has("django") {
				t.Errorf("written by both: %v", err)
			}

			// What Go caches Django loads, without the row.
			created, err := s.store.Create(ctx, "", fixture.Values(t, `{"b":[1,null]}`), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			s.holds(t, created.Key)
			s.Do(t, `Session.objects.filter(session_key=args).delete()`, created.Key, nil)
			if holds := s.django(t, created.Key); holds != `{"b": [1, null]}` {
				t.Errorf("cached by Go, in Django %s", holds)
			}
			left, err := strconv.ParseInt(s.redis.Do(t, "TTL", cachedEntry(created.Key)), 10, 64)
			if want := int64(s.settings.SessionCookieAge / time.Second); err != nil || left > want || left < want-60 {
				t.Errorf("cached for %d seconds, %v", left, err)
			}
			if err := s.store.Delete(ctx, created.Key); err != nil || s.django(t, created.Key) != `{}` {
				t.Errorf("deleted: %v, in Django %s", err, s.django(t, created.Key))
			}
			// What Django deletes is gone.
			s.Do(t, `SessionStore().delete(args)`, session, nil)
			if holds, _ := s.holds(t, session); !strings.Contains(holds, "no such session") {
				t.Errorf("deleted by Django: %s", holds)
			}
			if got := s.log.warnings(); got != "" {
				t.Errorf("logged %s", got)
			}
		})
	}
}

func cachedEntry(session string) string { return ":1:django.contrib.sessions.cached_db" + session }

// While the cache is down or hangs, reads and writes continue. When it is back, its stale
// sessions do not hide the rows for long, neither in Go nor in Django.
func TestCachedDBServerDown(t *testing.T) {
	for name, outage := range map[string]struct {
		begin, end func(t *testing.T, r *djangotest.RedisServer)
	}{
		"killed": {
			func(t *testing.T, r *djangotest.RedisServer) { r.Stop(t) },
			func(t *testing.T, r *djangotest.RedisServer) { r.Start(t) },
		},
		"hanging": {
			func(t *testing.T, r *djangotest.RedisServer) { r.Pause(t) },
			func(t *testing.T, r *djangotest.RedisServer) { r.Resume(t) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCachedSite(t, djangotest.Newest)
			cache, err := rediscache.New(rediscache.Config{Writer: redis.NewClient(&redis.Options{Addr: s.redis.Addr, ReadTimeout: time.Second, MaxRetries: -1})})
			s.cache = must(t, cache, err)
			s.open(t, dbstore.SQLite, s.openDB(t))
			session, ctx := s.create(t), t.Context()
			other := s.create(t)
			outage.begin(t, s.redis)
			if holds, cached := s.holds(t, session); holds != `{"a":1.0}` || cached {
				t.Errorf("holds %s, cached %v", holds, cached)
			}
			if log := s.log.warnings(); !strings.Contains(log, "level=WARN") || strings.Contains(log, session) {
				t.Errorf("logged %s", log)
			}
			for i := range 20 {
				if _, err := djsession.Update(ctx, s.store, session, edit.Set("i", i)); err != nil {
					t.Fatal(err)
				}
			}
			created, err := s.store.Create(ctx, "", fixture.Values(t, `{"new":1}`), time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.store.Load(ctx, created.Key); err != nil {
				t.Error(err)
			}
			if err := s.store.Delete(ctx, other); err != nil {
				t.Error(err)
			}
			outage.end(t, s.redis)
			if holds, _ := s.holds(t, session); holds != `{"a":1.0,"i":19}` {
				t.Errorf("holds %s", holds)
			}
			if holds, _ := s.holds(t, other); !strings.Contains(holds, "no such session") {
				t.Errorf("a session that was deleted holds %s", holds)
			}
			waitFor(t, func() bool { return s.django(t, session) == `{"a": 1.0, "i": 19}` })
			waitFor(t, func() bool { return s.django(t, other) == `{}` })
			waitFor(t, func() bool { _, cached := s.holds(t, session); return cached })
		})
	}
}

// While the database is down, cached sessions are served, as Django serves them. Writes fail.
func TestCachedDBDatabaseServerDown(t *testing.T) {
	r := djangotest.Redis(t)
	djangotest.NotShort(t, "PostgreSQL")
	db := djangotest.Postgres(t)
	p := newProxy(t, fmt.Sprintf("%s:%v", db.Django["HOST"], db.Django["PORT"]))
	host, port, _ := net.SplitHostPort(p.addr)
	db.Django["HOST"], db.Django["PORT"] = host, port
	kind := cacheKind{start: func(t *testing.T) (map[string]any, func(*testing.T, *djsession.Settings) cachestore.Cache) {
		return r.Django(), opensRedis(r, rediscache.Config{})
	}}
	s := &cachedSite{redis: r, log: new(lockedBuffer)}
	s.site = newSite(t, djangotest.Newest, "cached_db", kind, djangotest.Settings{"DATABASES": db.Settings()})
	handle, err := sql.Open("postgres", fmt.Sprintf("host=%s port=%s user=%s dbname=%s sslmode=disable binary_parameters=yes",
		host, port, db.Django["USER"], db.Name))
	s.open(t, dbstore.PostgreSQL, must(t, handle, err))
	ctx := t.Context()
	cached, uncached := s.create(t), s.create(t)
	s.redis.Do(t, "DEL", cachedEntry(uncached))

	p.down()
	const save = `
		session = SessionStore(args)
		session["b"] = 2
		session.save()
	`
	for range 3 {
		holds, _ := s.holds(t, cached)
		if django := s.django(t, cached); holds != `{"a":1.0}` || django != `{"a": 1.0}` {
			t.Errorf("holds %s, in Django %s", holds, django)
		}
		_, err := djsession.Update(ctx, s.store, cached, edit.Set("b", 2))
		if djangos := s.Try(save, cached, nil); err == nil || errors.Is(err, djsession.ErrNotFound) || djangos == nil {
			t.Errorf("saved: %v, in Django %v", err, djangos)
		}
		_, err = s.store.Load(ctx, uncached)
		if djangos := s.Try(`SessionStore(args).load()`, uncached, nil); err == nil || errors.Is(err, djsession.ErrNotFound) || djangos == nil {
			t.Errorf("loaded what is not cached: %v, in Django %v", err, djangos)
		}
		for what, err := range map[string]error{
			"create": second(s.store.Create(ctx, "", nil, time.Time{})),
			"delete": s.store.Delete(ctx, cached),
		} {
			if err == nil || errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	p.up(t)
	waitFor(t, func() bool { _, err := s.store.Load(ctx, uncached); return err == nil })
	s.Do(t, `from django.db import connection; connection.close()`, nil, nil)
	if _, err := djsession.Update(ctx, s.store, cached, edit.Set("b", 2)); err != nil || s.django(t, cached) != `{"a": 1.0, "b": 2}` {
		t.Errorf("%v, in Django %s", err, s.django(t, cached))
	}
}
