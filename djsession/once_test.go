package djsession_test

import (
	"database/sql"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/faultproxy"
)

// onceSite is a store behind a network that breaks, and the same store beside it.
type onceSite struct {
	store  djsession.Store
	direct djsession.Store
	proxy  *faultproxy.Proxy
}

// onceKind is a kind of server, and by which words it is known what it is asked for.
type onceKind struct {
	name                                     string
	start                                    func(t *testing.T) *onceSite
	create, replace, remove, removeUnchanged string
	// equal: a value that is equal to what was written does not show who wrote it.
	equal bool
}

func sqlKind(name string, start func(t *testing.T) *onceSite) onceKind {
	return onceKind{name: name, start: start, create: "INSERT", replace: "UPDATE", remove: "DELETE", removeUnchanged: "DELETE"}
}

func (k onceKind) ofCache() onceKind {
	k.equal = true
	return k
}

var onceKinds = []onceKind{
	sqlKind("postgres", func(t *testing.T) *onceSite { return onceTable(t, djangotest.Postgres(t), storeurl.Open) }),
	sqlKind("postgres, opened by sql.Open", func(t *testing.T) *onceSite {
		return onceTable(t, djangotest.Postgres(t), func(url string, s *djsession.Settings) (storeurl.Store, error) {
			db, err := sql.Open("postgres", url+"?binary_parameters=yes&sslmode=disable")
			if err != nil {
				return nil, err
			}
			return dbstore.New(db, dbstore.Config{Dialect: dbstore.PostgreSQL, Settings: s})
		})
	}),
	sqlKind("mariadb", func(t *testing.T) *onceSite { return onceTable(t, djangotest.MariaDB(t), storeurl.Open) }),
	sqlKind("cache in postgres", func(t *testing.T) *onceSite { return onceCacheTable(t, djangotest.Postgres(t)) }).ofCache(),
	sqlKind("cache in mariadb", func(t *testing.T) *onceSite { return onceCacheTable(t, djangotest.MariaDB(t)) }).ofCache(),
	sqlKind("cached_db on postgres and redis", func(t *testing.T) *onceSite {
		redis := djangotest.Redis(t)
		return onceTable(t, djangotest.Postgres(t), func(url string, s *djsession.Settings) (storeurl.Store, error) {
			return storeurl.OpenCachedDB(redis.URL, url, s)
		})
	}),
	{"redis", func(t *testing.T) *onceSite {
		redis := djangotest.Redis(t)
		return onceBehind(t, redis.URL, redis.Addr, storeurl.Open)
	}, "nx", "evalsha", "del", "evalsha", true},
	{"memcached", func(t *testing.T) *onceSite {
		servers := djangotest.Memcached(t, 1)
		return onceBehind(t, memcachedURL(servers), servers[0].Addr, storeurl.Open)
	}, "add ", "cas ", "delete ", "cas ", true},
}

// testedOnceKinds returns all kinds, with -short PostgreSQL and Redis.
func testedOnceKinds() []onceKind {
	kinds := slices.Clone(onceKinds)
	if testing.Short() {
		kinds = slices.DeleteFunc(kinds, func(k onceKind) bool { return k.name != "postgres" && k.name != "redis" })
	}
	return kinds
}

type opener func(url string, s *djsession.Settings) (storeurl.Store, error)

// onceBehind opens a store by its URL, and behind a proxy for its server's address.
func onceBehind(t *testing.T, url, addr string, open opener) *onceSite {
	t.Helper()
	proxy := faultproxy.New(t, addr)
	site := &onceSite{proxy: proxy}
	for at, store := range map[string]*djsession.Store{addr: &site.direct, proxy.Addr: &site.store} {
		opened, err := open(strings.Replace(url, addr, at, 1), mustSettings(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close() })
		*store = opened
	}
	return site
}

func hostOf(t *testing.T, db djangotest.Database) string {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func onceTable(t *testing.T, db djangotest.Database, open opener) *onceSite {
	t.Helper()
	maker, err := storeurl.Open(db.URL, mustSettings(t))
	if err != nil {
		t.Fatal(err)
	}
	defer maker.Close()
	if err := maker.(*dbstore.Store).CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return onceBehind(t, db.URL, hostOf(t, db), open)
}

func onceCacheTable(t *testing.T, db djangotest.Database) *onceSite {
	t.Helper()
	_, driver, dsn := dataSource(t, db)
	maker, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer maker.Close()
	const columns = "(cache_key varchar(255) NOT NULL PRIMARY KEY, value text NOT NULL, expires timestamp NOT NULL)"
	types := map[string]string{"postgres": "timestamp with time zone", "mariadb": "datetime(6)"}
	if _, err := maker.ExecContext(t.Context(), "CREATE TABLE site_cache "+strings.Replace(columns, "timestamp", types[db.Kind], 1)); err != nil {
		t.Fatal(err)
	}
	return onceBehind(t, "dbcache+"+db.URL+"?table=site_cache", hostOf(t, db), storeurl.Open)
}

// count is how many sessions there are; -1 where nobody can say.
func (s *onceSite) count(t *testing.T) (n int) {
	t.Helper()
	scanner := s.direct.(djsession.Scanner)
	for _, err := range scanner.Scan(t.Context(), djsession.Range{Expired: true}) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return -1
		case err != nil:
			t.Fatal(err)
		}
		n++
	}
	return n
}

// warm makes a connection, and has Redis know the script.
func (s *onceSite) warm(t *testing.T) {
	t.Helper()
	key := stored(t, s.store, `{"a":1}`)
	if _, err := djsession.Update(t.Context(), s.store, key, edit.Set("a", 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// arm has the next request that holds these words lose its answer, or come late.
func (s *onceSite) arm(words string, late bool) {
	if late {
		s.proxy.Delay(words, 200*time.Millisecond)
	} else {
		s.proxy.LoseAnswer(words)
	}
}

// settled waits until the server has done all that it was sent.
func (s *onceSite) settled(t *testing.T, what string) {
	t.Helper()
	if !s.proxy.Settled() {
		t.Errorf("%s: nothing broke", what)
	}
}

// inTheEnd wants that this is stored, at the latest when the cache of cached_db has been
// cleared of what may be older.
func (s *onceSite) inTheEnd(t *testing.T, what, key, want string) {
	t.Helper()
	got := holds(t, s.direct, key)
	for deadline := time.Now().Add(time.Minute); got != want && time.Now().Before(deadline); got = holds(t, s.direct, key) {
		if _, ok := s.direct.(*cachestore.CachedDB); !ok {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got != want {
		t.Errorf("%s: in the end stored is %s, want %s", what, got, want)
	}
}

// wantUnknown wants that nobody knows, which is no conflict, and not that the session
// is gone: both have the caller make its change anew.
func wantUnknown(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, djsession.ErrOutcomeUnknown) || errors.Is(err, djsession.ErrConflict) || errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("%s: %v, want that nobody knows", what, err)
	}
}

var addOne = edit.Add("n", 1)

// onEachOnce runs a test on each kind of server: with an answer that is lost, and with a
// statement that the server gets 200 ms after the client was cut off.
func onEachOnce(t *testing.T, test func(t *testing.T, kind onceKind, s *onceSite, late bool)) {
	for _, kind := range testedOnceKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := kind.start(t)
			for _, late := range []bool{false, true} {
				name := "answer lost"
				if late {
					name = "delivered late"
				}
				t.Run(name, func(t *testing.T) {
					s.warm(t)
					test(t, kind, s, late)
				})
			}
		})
	}
}

// Whatever is written, it is written once, and the store knows that it was or says that
// nobody does.
func TestWritesAreMadeOnce(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		ctx := t.Context()
		before := s.count(t)
		more := func(what string, want int) {
			t.Helper()
			if got := s.count(t); got >= 0 && got != before+want {
				t.Errorf("%s: %d sessions more, want %d", what, got-before, want)
			}
		}
		for _, chosen := range []string{"", djsession.NewKey()} {
			what := "create"
			if chosen != "" {
				what = "create under a key"
			}
			s.arm(kind.create, late)
			r, err := s.store.Create(ctx, chosen, parse(t, `{"a":1}`), time.Time{})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if got := holds(t, s.direct, r.Key); got != `{"a":1}` {
				t.Errorf("%s: stored is %s", what, got)
			}
			s.settled(t, what)
			more(what, 1)
			if got := holds(t, s.direct, r.Key); got != `{"a":1}` {
				t.Errorf("%s: in the end stored is %s", what, got)
			}
			// The record is as good as one that was loaded.
			if _, err := s.store.Replace(ctx, r, parse(t, `{"a":2}`), time.Time{}); err != nil {
				t.Errorf("%s: then replace: %v", what, err)
			}
			if err := s.store.Delete(ctx, r.Key); err != nil {
				t.Fatal(err)
			}
		}

		key := stored(t, s.store, `{"n":0}`)
		s.arm(kind.replace, late)
		r, err := djsession.Update(ctx, s.store, key, addOne)
		switch {
		case late, kind.equal:
			wantUnknown(t, "replace", err)
		case err != nil:
			t.Errorf("replace: %v", err)
		default:
			if err := s.store.(djsession.UnchangedDeleter).DeleteUnchanged(ctx, r); err != nil {
				t.Errorf("replace: the record is of no use: %v", err)
			}
			stored(t, s.store, `{}`) // in its place, for the count
		}
		s.settled(t, "replace")
		more("replace", 1)
		if late || kind.equal {
			s.inTheEnd(t, "replace", key, `{"n":1}`)
		}

		key = stored(t, s.store, `{}`)
		s.arm(kind.remove, late)
		if err := s.store.Delete(ctx, key); err != nil {
			t.Errorf("delete: %v", err)
		}
		s.settled(t, "delete")
		if got := holds(t, s.direct, key); got != "nothing" {
			t.Errorf("delete: stored is %s", got)
		}
		if err := s.store.Delete(ctx, key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("delete of nothing: %v", err)
		}

		deleter := s.store.(djsession.UnchangedDeleter)
		key = stored(t, s.store, `{}`)
		if r, err = s.store.Load(ctx, key); err != nil {
			t.Fatal(err)
		}
		s.arm(kind.removeUnchanged, late)
		if err := deleter.DeleteUnchanged(ctx, r); err != nil {
			t.Errorf("delete unchanged: %v", err)
		}
		s.settled(t, "delete unchanged")
		if got := holds(t, s.direct, key); got != "nothing" {
			t.Errorf("delete unchanged: stored is %s", got)
		}
		more("in the end", 1)
	})
}

// A statement that comes late finds what somebody has written meanwhile, and leaves it.
func TestLateWriteMeetsSomebodyElses(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		if !late {
			return
		}
		ctx := t.Context()
		key := stored(t, s.store, `{"n":0}`)
		release := s.proxy.Hold(kind.replace)
		defer release()
		_, err := djsession.Update(ctx, s.store, key, addOne)
		wantUnknown(t, "replace", err)
		if _, err := djsession.Update(ctx, s.direct, key, edit.All(edit.Set("theirs", true), addOne)); err != nil {
			t.Fatal(err)
		}
		release()
		s.settled(t, "replace")
		s.inTheEnd(t, "replace", key, `{"n":1,"theirs":true}`)
	})
}

// Two add one to the same number, and the answer to the second, that it came too late, is
// lost. What is stored equals what it would have stored, and the first one stored it.
func TestLostAnswerAboutAnEqualWrite(t *testing.T) {
	for _, kind := range testedOnceKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			s := kind.start(t)
			s.warm(t)
			key := stored(t, s.direct, `{"n":1}`)
			r, err := s.store.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := djsession.Update(t.Context(), s.direct, key, addOne); err != nil {
				t.Fatal(err)
			}
			s.arm(kind.replace, false)
			v := r.Values.Clone()
			if err := v.Set("n", 2); err != nil {
				t.Fatal(err)
			}
			if _, err = s.store.Replace(t.Context(), r, v, time.Time{}); err == nil {
				t.Errorf("both report success, and stored is %s", holds(t, s.direct, key))
			}
			s.settled(t, "replace")
		})
	}
}

// When no answer comes at all, that is said, however often it was asked for.
func TestNoAnswerAtAll(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		if late {
			return
		}
		key := stored(t, s.store, `{}`)
		s.proxy.LoseAnswers(kind.remove, 1000)
		wantUnknown(t, "delete", s.store.Delete(t.Context(), key))
		s.proxy.LoseAnswers(kind.create, 1000)
		_, err := s.store.Create(t.Context(), "", parse(t, `{}`), time.Time{})
		wantUnknown(t, "create", err)
		s.proxy.Disarm()
	})
}

// A session is neither lost nor doubled, and a login is found under one key, wherever
// the connection breaks while the key is cycled and the login saved.
func TestLoginIsMadeOnce(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		m := newManager(t, s.store, mustSettings(t))
		for _, at := range []string{"create", "delete", "replace"} {
			words := map[string]string{"create": kind.create, "delete": kind.removeUnchanged, "replace": kind.replace}[at]
			before := s.count(t)
			key := stored(t, s.store, `{"n":0}`)
			w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, session *djsession.Session) {
				if at != "replace" {
					s.arm(words, late)
				}
				err := session.CycleKey(r.Context())
				if at == "replace" {
					s.arm(words, late)
				}
				if err == nil {
					err = errors.Join(session.Set("_auth_user_id", "1"), session.Apply(addOne))
				}
				if err != nil {
					djsession.Error(w, r, err)
				}
			})
			s.settled(t, at)
			// Only the save may be in doubt: all else can be sent again.
			want := 200
			if at == "replace" && (late || kind.equal) {
				want = 500
			}
			now := cookieOf(t, w)
			if w.Code != want || now == "" || now == key {
				t.Errorf("%s: status %d, cookie %q", at, w.Code, now)
				continue
			}
			if got := holds(t, s.direct, now); got != `{"n":1,"_auth_user_id":"1"}` {
				t.Errorf("%s: stored is %s", at, got)
			}
			if got := holds(t, s.direct, key); got != "nothing" {
				t.Errorf("%s: under the old key is %s", at, got)
			}
			if got := s.count(t); got >= 0 && got != before+1 {
				t.Errorf("%s: %d sessions more, want one", at, got-before)
			}
		}
	})
}

// Connections that the server has closed while they were idle are no error to anybody.
func TestIdleConnectionsThatEnded(t *testing.T) {
	type ending struct {
		name string
		end  func(t *testing.T, s *onceSite)
	}
	cut := ending{"cut", func(t *testing.T, s *onceSite) {
		s.proxy.Cut()
		for deadline := time.Now().Add(time.Minute); s.proxy.Open() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("connections are still there")
			}
		}
		time.Sleep(20 * time.Millisecond) // until the clients' sides have heard of it
	}}
	terminated := ending{"terminated", func(t *testing.T, s *onceSite) {
		// The server says why, before it closes.
		const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		if _, err := databaseOf(s.direct).ExecContext(t.Context(), terminate); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); s.proxy.Open() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("they are there still")
			}
		}
	}}
	byTLS := onceKind{name: "redis by TLS", start: func(t *testing.T) *onceSite {
		redis := djangotest.RedisWith(t, djangotest.RedisOptions{TLS: true})
		return onceBehind(t, redis.URL+"?ssl_ca_certs="+url.QueryEscape(redis.CAFile), redis.Addr, storeurl.Open)
	}}
	for _, kind := range append(testedOnceKinds(), byTLS) {
		endings := []ending{cut}
		if kind.name == "postgres" {
			endings = append(endings, terminated)
		}
		for _, ending := range endings {
			t.Run(kind.name+", "+ending.name, func(t *testing.T) {
				s := kind.start(t)
				testIdleConnections(t, kind, s, ending.end)
			})
		}
	}
}

func testIdleConnections(t *testing.T, kind onceKind, s *onceSite, end func(*testing.T, *onceSite)) {
	const idle = 20
	db := databaseOf(s.store)
	if db != nil {
		db.SetMaxIdleConns(idle)
		db.SetMaxOpenConns(2 * idle)
	}
	var records []*djsession.Record
	for range 3 * idle {
		r, err := s.store.Load(t.Context(), stored(t, s.store, `{"n":0}`))
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	least := idle
	if db == nil {
		least = 2 // a cache's client opens as many as are used at once
	}
	for range 50 { // a busy server may refuse some
		if fill(t, s, idle); s.proxy.Open() >= least {
			break
		}
	}
	if open := s.proxy.Open(); open < least {
		t.Fatalf("%d connections", open)
	}
	end(t, s)
	if kind.name == "postgres, opened by sql.Open" {
		time.Sleep(1100 * time.Millisecond) // until the store asks
	}
	deleter := s.store.(djsession.UnchangedDeleter)
	for i, r := range records {
		var err error
		switch i % 3 {
		case 0:
			_, err = s.store.Replace(t.Context(), r, parse(t, `{"n":1}`), time.Time{})
		case 1:
			err = deleter.DeleteUnchanged(t.Context(), r)
		default:
			err = s.store.Delete(t.Context(), r.Key)
		}
		if err != nil {
			t.Errorf("write %d: %v", i, err)
		}
	}
}

// databaseOf is the pool that a store has, nil if it has none of database/sql's.
func databaseOf(store djsession.Store) *sql.DB {
	switch s := store.(type) {
	case *dbstore.Store:
		return s.DB()
	case *cachestore.CachedDB:
		return s.DB()
	}
	return nil
}

// fill has so many connections idle at once.
func fill(t *testing.T, s *onceSite, n int) {
	t.Helper()
	if db := databaseOf(s.store); db != nil {
		conns := make([]*sql.Conn, n)
		for i := range conns {
			var err error
			if conns[i], err = db.Conn(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, conn := range conns {
			conn.Close()
		}
		return
	}
	done := make(chan error)
	for range n {
		go func() {
			var err error
			for range 50 {
				if _, e := s.store.Load(t.Context(), djsession.NewKey()); !errors.Is(e, djsession.ErrNotFound) {
					err = e
				}
			}
			done <- err
		}()
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
}
