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
	"github.com/djsess/djsess/internal/testing/fixture"
)

// onceSite is a store behind a proxy that breaks connections, and the same store without the proxy.
type onceSite struct {
	store  djsession.Store
	direct djsession.Store
	proxy  *faultproxy.Proxy
}

// onceKind is a kind of server, with the words that identify each kind of request.
type onceKind struct {
	name                                     string
	start                                    func(t *testing.T) *onceSite
	create, replace, remove, removeUnchanged string
	// equal: an equal stored value does not show which client wrote it.
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
		return onceTable(t, djangotest.Postgres(t), func(url string, s *djsession.Settings, _ ...storeurl.Option) (storeurl.Store, error) {
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
		return onceTable(t, djangotest.Postgres(t), func(url string, s *djsession.Settings, _ ...storeurl.Option) (storeurl.Store, error) {
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

// testedOnceKinds returns all kinds. With -short it returns Redis, which starts at once.
func testedOnceKinds() []onceKind {
	kinds := slices.Clone(onceKinds)
	if testing.Short() {
		kinds = slices.DeleteFunc(kinds, func(k onceKind) bool { return k.name != "redis" })
	}
	return kinds
}

type opener func(url string, s *djsession.Settings, options ...storeurl.Option) (storeurl.Store, error)

// onceBehind opens a store by its URL, directly and through a proxy to its server.
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

// count returns how many sessions are stored, or -1 if the store cannot be enumerated.
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

// warm opens a connection, and loads the script into Redis.
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

// arm makes the next request with these words lose its answer, or arrive late.
func (s *onceSite) arm(words string, late bool) {
	if late {
		s.proxy.Delay(words, 200*time.Millisecond)
	} else {
		s.proxy.LoseAnswer(words)
	}
}

// settled waits until the server has executed everything that it was sent.
func (s *onceSite) settled(t *testing.T, what string) {
	t.Helper()
	if !s.proxy.Settled() {
		t.Errorf("%s: nothing broke", what)
	}
}

// inTheEnd checks what is stored. For cached_db it waits until the cache has removed an item that
// may be stale.
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

// wantUnknown checks that the error is an ErrOutcomeUnknown, and neither a conflict nor an
// ErrNotFound: after these the caller would make its change again.
func wantUnknown(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, djsession.ErrOutcomeUnknown) || errors.Is(err, djsession.ErrConflict) || errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("%s: %v, want an ErrOutcomeUnknown", what, err)
	}
}

var addOne = edit.Add("n", 1)

// onEachOnce runs a test on each kind of server, once with an answer that is lost, and once with a
// request that the server gets 200 ms after the client was disconnected.
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

// Every write is made once. The store reports its success, or an ErrOutcomeUnknown.
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
			r, err := s.store.Create(ctx, chosen, fixture.Values(t, `{"a":1}`), time.Time{})
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
			// The record can be replaced like a loaded one.
			if _, err := s.store.Replace(ctx, r, fixture.Values(t, `{"a":2}`), time.Time{}); err != nil {
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
				t.Errorf("replace: the returned record cannot be used: %v", err)
			}
			stored(t, s.store, `{}`) // in its place, so that the number of sessions stays the same
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
			t.Errorf("delete of a missing session: %v", err)
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

// A statement that arrives late does not overwrite what another client has written meanwhile.
func TestLateWriteAfterAnotherWrite(t *testing.T) {
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

// Two clients add one to the same number. The second one is too late, and the answer that says so is
// lost. The stored value equals the value of the second client, but the first client stored it.
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

// If no answer comes at all, the error says so, after any number of attempts.
func TestNoAnswerAtAll(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		if late {
			return
		}
		key := stored(t, s.store, `{}`)
		s.proxy.LoseAnswers(kind.remove, 1000)
		wantUnknown(t, "delete", s.store.Delete(t.Context(), key))
		s.proxy.LoseAnswers(kind.create, 1000)
		_, err := s.store.Create(t.Context(), "", fixture.Values(t, `{}`), time.Time{})
		wantUnknown(t, "create", err)
		s.proxy.Disarm()
	})
}

// The connection breaks at any point while the key is cycled and a login is saved. Then no session
// is lost or stored twice, and the login is stored under one key.
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
			// Only the outcome of the save may be unknown: all other requests can be sent again.
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

// If the server has closed idle connections, no call returns an error.
func TestIdleConnectionsThatEnded(t *testing.T) {
	type ending struct {
		name string
		end  func(t *testing.T, s *onceSite)
	}
	cut := ending{"cut", func(t *testing.T, s *onceSite) {
		s.proxy.Cut()
		for deadline := time.Now().Add(time.Minute); s.proxy.Open() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("connections are still open")
			}
		}
		time.Sleep(20 * time.Millisecond) // until the clients have noticed
	}}
	terminated := ending{"terminated", func(t *testing.T, s *onceSite) {
		// The server sends the reason before it closes.
		const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
		if _, err := databaseOf(s.direct).ExecContext(t.Context(), terminate); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); s.proxy.Open() > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("connections are still open")
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
		least = 2 // a cache's client opens only as many as are used at once
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
		time.Sleep(1100 * time.Millisecond) // until the store checks idle connections
	}
	deleter := s.store.(djsession.UnchangedDeleter)
	for i, r := range records {
		var err error
		switch i % 3 {
		case 0:
			_, err = s.store.Replace(t.Context(), r, fixture.Values(t, `{"n":1}`), time.Time{})
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

// databaseOf returns the sql.DB of a store, or nil.
func databaseOf(store djsession.Store) *sql.DB {
	switch s := store.(type) {
	case *dbstore.Store:
		return s.DB()
	case *cachestore.CachedDB:
		return s.DB()
	}
	return nil
}

// fill makes a number of connections idle at once.
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
