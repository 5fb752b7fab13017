package djsession_test

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// move is a move of sessions from one engine to another, as Django and Go are told about it.
type move struct {
	settings   djangotest.Settings // all but SESSION_ENGINE and SESSION_TRANSITION
	transition map[string]any      // SESSION_TRANSITION without its phase
	prepare    string              // Python that makes the tables, run with the settings
	from, to   func(testing.TB, *djsession.Settings) djsession.Store
}

const (
	dbBackend   = "django.contrib.sessions.backends.db"
	fileBackend = "django.contrib.sessions.backends.file"
)

// moves are the pairs of engines that are tested.
var moves = []struct {
	name  string
	since string // the first Django that has both engines
	// In make test a pair is tested with the newest Django if it is in newest, with the oldest one if it is in
	// oldest. In make check those in short are tested.
	short, newest, oldest bool
	make                  func(t *testing.T) move
}{
	{"db to redis", "4.2", true, true, false, func(t *testing.T) move { return dbToRedis(t, djangotest.SQLite(t)) }},
	{"redis to db", "4.2", false, true, false, func(t *testing.T) move { return dbToRedis(t, djangotest.SQLite(t)).back() }},
	{"db to a cache in a database", "2.2", false, false, true, dbToDatabaseCache},
	{"a cache in a database to db", "2.2", false, false, false, func(t *testing.T) move { return dbToDatabaseCache(t).back() }},
	{"db to file", "2.2", false, false, false, dbToFile},
	{"file to db", "2.2", false, true, false, func(t *testing.T) move { return dbToFile(t).back() }},
	{"cached_db to another database", "2.2", false, true, true, cachedDBToDB},
	{"another database to cached_db", "2.2", false, false, false, func(t *testing.T) move { return cachedDBToDB(t).back() }},
}

// back is the move in the other direction.
func (m move) back() move {
	m.from, m.to = m.to, m.from
	turned := map[string]any{}
	for _, names := range [][2]string{{"old", "new"}, {"old_database", "new_database"}, {"old_cache_alias", "new_cache_alias"}} {
		for i, name := range names {
			if value := m.transition[name]; value != nil {
				turned[names[1-i]] = value
			}
		}
	}
	m.transition = turned
	return m
}

func dbToRedis(t *testing.T, db djangotest.Database) move {
	redis := djangotest.Redis(t)
	return move{
		settings:   djangotest.Settings{"DATABASES": db.Settings(), "CACHES": djangotest.Caches(redis.Django())},
		transition: map[string]any{"old": dbBackend, "new": cacheBackend},
		prepare:    "migrate()", from: opens(db.URL), to: opens(redis.URL),
	}
}

func dbToDatabaseCache(t *testing.T) move {
	db := djangotest.SQLite(t)
	return move{
		settings: djangotest.Settings{"DATABASES": db.Settings(), "CACHES": map[string]any{
			"default": map[string]any{"BACKEND": "django.core.cache.backends.dummy.DummyCache"}, "sessions": databaseCache,
		}},
		transition: map[string]any{"old": dbBackend, "new": cacheBackend, "new_cache_alias": "sessions"},
		prepare:    "migrate(); " + createCacheTable,
		from:       opens(db.URL), to: opens("dbcache+" + db.URL + "?table=django_cache"),
	}
}

func dbToFile(t *testing.T) move {
	db, dir := djangotest.SQLite(t), t.TempDir()
	return move{
		settings:   djangotest.Settings{"DATABASES": db.Settings(), "SESSION_FILE_PATH": dir},
		transition: map[string]any{"old": dbBackend, "new": fileBackend},
		prepare:    "migrate()", from: opens(db.URL),
		to: func(t testing.TB, s *djsession.Settings) djsession.Store {
			store, err := filestore.New(filestore.Config{Dir: dir, Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			return store
		},
	}
}

// cachedDBToDB moves from a cached_db to another database. (In a cache in SQLite Django's set can fail silently, since
// Go removes cached sessions in the background.)
func cachedDBToDB(t *testing.T) move {
	db, other, dir := djangotest.SQLite(t), djangotest.SQLite(t), t.TempDir()
	return move{
		settings: djangotest.Settings{
			"DATABASES": map[string]any{"default": db.Django, "other": other.Django}, "CACHES": djangotest.Caches(map[string]any{
				"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": dir,
			}),
			"DATABASE_ROUTERS": []string{"transition.Router"},
		},
		transition: map[string]any{"old": cachedDBBackend, "new": dbBackend, "new_database": "other"},
		prepare:    "migrate(); migrate('other')",
		from: func(t testing.TB, s *djsession.Settings) djsession.Store {
			store, err := storeurl.OpenCachedDB("filecache:///"+dir, db.URL, s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { store.Close() })
			return store
		},
		to: opens(other.URL),
	}
}

// The steps of a move: before it, the phases, and after it.
const (
	before = 0
	after  = 5
)

// django starts a worker of the site in a step of the move.
func (m move) django(t *testing.T, version string, step int) *djangotest.Django {
	t.Helper()
	settings := djangotest.Settings{"SESSION_ENGINE": "transition"}
	maps.Copy(settings, m.settings)
	name := map[int]string{before: "old", after: "new"}[step]
	switch {
	case name == "":
		transition := maps.Clone(m.transition)
		transition["phase"] = step
		settings["SESSION_TRANSITION"] = transition
	default:
		settings["SESSION_ENGINE"] = m.transition[name]
		if alias := m.transition[name+"_cache_alias"]; alias != nil {
			settings["SESSION_CACHE_ALIAS"] = alias
		}
		delete(settings, "DATABASE_ROUTERS")
		if database := m.transition[name+"_database"]; database != nil {
			settings["DATABASES"] = map[string]any{"default": m.settings["DATABASES"].(map[string]any)[database.(string)]}
		}
	}
	d := djangotest.Start(t, version, settings)
	d.Do(t, pythonSide, nil, nil)
	return d
}

// golang opens the store of a Go service in a step of the move.
func (m move) golang(t *testing.T, version string, step int) *goSide {
	t.Helper()
	settings, err := djsession.NewSettings(version, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	var store djsession.Store
	switch step {
	case before:
		store = m.from(t, settings)
	case after:
		store = m.to(t, settings)
	default:
		store = transition(t, m.from(t, settings), m.to(t, settings), djsession.Phase(step))
	}
	g := &goSide{newManager(t, store, settings), store}
	g.m.Observer = nil
	return g
}

// Workers of Django and of Go in the same phase and in neighbouring phases see the same sessions: what one
// of them does, the others see at once.
func TestTransitionIsDjangos(t *testing.T) {
	for _, pair := range moves {
		for _, version := range djangotest.OldestAndNewest(djangotest.Since(pair.since)...) {
			asked := version == djangotest.Newest && pair.newest || version != djangotest.Newest && pair.oldest
			if testing.Short() && !pair.short || !asked && !djangotest.Everything() {
				continue
			}
			t.Run(pair.name+"/"+version, func(t *testing.T) {
				t.Parallel()
				m := pair.make(t)
				m.django(t, version, int(djsession.ReadOldUpdateNew)).Do(t, m.prepare, nil, nil)
				var veterans []string // sessions that were stored before the step
				var last []side
				for step := before; step <= after; step++ {
					now := []side{djangoSide{m.django(t, version, step)}, m.golang(t, version, step)}
					workers := append(now[:2:2], last...)
					for i := range workers {
						// The neighbours take turns in each role.
						turn := func(n int) side { return workers[(i+n)%len(workers)] }
						where := fmt.Sprintf("step %d, worker %d", step, i)
						sees := func(what, key, want string) {
							t.Helper()
							for _, who := range workers {
								if got := who.sees(t, key); got != want {
									t.Errorf("%s: %s: %T sees %s, want %s", where, what, who, got, want)
								}
							}
						}
						key := turn(0).do(t, "", setOne, nothing)
						sees("login", key, `{"one":1}`+inTwoWeeks)
						if got := turn(1).do(t, key, setTwo, nothing); got != key {
							t.Errorf("%s: change: the visitor has %q", where, got)
						}
						sees("change", key, `{"one":1,"two":2}`+inTwoWeeks)
						old := key
						key = turn(2).do(t, key, cycle, nothing)
						sees("cycle", key, `{"one":1,"two":2}`+inTwoWeeks)
						sees("cycle, the old key", old, "nothing")
						if got := turn(3).do(t, key, setOne, func() { turn(4).do(t, key, flush, nothing) }); got != "400" {
							t.Errorf("%s: a save after a logout: the visitor has %q", where, got)
						}
						sees("logout", key, "nothing")

						veterans = append(veterans, turn(0).do(t, "", setOne, nothing))
					}
					for _, key := range veterans {
						for _, who := range workers {
							if got := who.sees(t, key); got != `{"one":1}`+inTwoWeeks {
								t.Errorf("step %d: %T sees %s of a session of before", step, who, got)
							}
						}
					}
					if step == int(djsession.ReadOldWriteBoth) {
						from, to := m.golang(t, version, before).store, m.golang(t, version, after).store
						migrate(t, from, to)
					}
					last = now
				}
			})
		}
	}
}

var setTwo = action{"set two", "s['two'] = 2", func(ctx context.Context, g *goSide, s *djsession.Session) error { return s.Set("two", 2) }}

// migrate is djsess migrate.
func migrate(t *testing.T, from, to djsession.Store) {
	t.Helper()
	// A DatabaseCache may cull its entries, though not so few.
	if _, err := ops.Migrate(t.Context(), from, to, ops.Migration{Force: true}); err != nil {
		t.Error(err)
	}
}
