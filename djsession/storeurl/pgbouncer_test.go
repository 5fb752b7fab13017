package storeurl_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// pooledSite is a Django and its database, which both it and Go reach through a PgBouncer.
type pooledSite struct {
	django   *djangotest.Django
	settings *djsession.Settings
	direct   djangotest.Database
	key      string // of a session that Django wrote
}

func newPooledSite(t *testing.T) *pooledSite {
	t.Helper()
	s := &pooledSite{direct: djangotest.Postgres(t)}
	s.django = djangotest.Start(t, djangotest.Newest, djangotest.Settings{"DATABASES": djangotest.PgBouncer(t).Through(t, s.direct).Settings(), "USE_TZ": true})
	s.django.Do(t, `
		migrate()
		User.objects.create_user("alice", password="secret")
		s = SessionStore()
		s["n"] = 0
		s.save()
		result = s.session_key
	`, nil, &s.key)
	var err error
	if s.settings, err = djsession.NewSettings(djangotest.Newest, djangotest.SecretKey); err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the database through a pooler.
func (s *pooledSite) open(t *testing.T, p *djangotest.Pooler, openURL func(string, *djsession.Settings, ...storeurl.Option) (storeurl.Store, error)) *dbstore.Store {
	t.Helper()
	store, err := openURL(p.Through(t, s.direct).URL, s.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*dbstore.Store)
}

// n is the value that Django reads from its session.
func (s *pooledSite) n(t *testing.T) (n int) {
	t.Helper()
	s.django.Do(t, `result = SessionStore(args)["n"]`, s.key, &n)
	return n
}

// Everything works through a pooler in transaction mode, where each statement may run on another
// connection to the server.
func TestPgBouncer(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL and PgBouncer")
	site := newPooledSite(t)
	for name, config := range map[string][]string{
		"refuses the startup parameter": nil,
		"drops the startup parameter":   {"ignore_startup_parameters = default_transaction_read_only"},
	} {
		t.Run(name, func(t *testing.T) {
			pooler := djangotest.PgBouncer(t, config...)
			store := site.open(t, pooler, storeurl.Open)
			t.Run("sessions", func(t *testing.T) { site.sessionsLive(t, store) })
			t.Run("login", func(t *testing.T) { site.logsIn(t, store) })
			t.Run("read-only", func(t *testing.T) { site.staysReadOnly(t, pooler) })
			// No setting stayed on the pooler's connections, which the site uses, too.
			t.Run("sessions after read-only", func(t *testing.T) { site.sessionsLive(t, store) })
		})
	}
	t.Run("goes away", site.losesNothing)
}

func (s *pooledSite) sessionsLive(t *testing.T, store *dbstore.Store) {
	ctx := t.Context()
	before := s.n(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := djsession.Update(ctx, store, s.key, edit.Add("n", 1)); err != nil {
				t.Error(err)
			}
			r, err := store.Create(ctx, "", nil, time.Time{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := store.Load(ctx, r.Key); err != nil {
				t.Error(err)
			}
			if err := store.Delete(ctx, r.Key); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if after := s.n(t); after != before+8 {
		t.Errorf("Django reads %d after 8 additions to %d", after, before)
	}
}

func (s *pooledSite) logsIn(t *testing.T, store *dbstore.Store) {
	users, err := djauth.UsersIn(store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := djauth.New(users)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := djsession.NewManager(store)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	manager.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		alice, err := users.UserByUsername(r.Context(), "alice")
		if err == nil {
			err = auth.Login(w, r, alice, "")
		}
		if err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	var key string
	for _, cookie := range w.Result().Cookies() {
		if cookie.Name == s.settings.SessionCookieName {
			key = cookie.Value
		}
	}
	var username string
	s.django.Do(t, `
		from django.contrib.auth import get_user
		from django.http import HttpRequest
		request = HttpRequest()
		request.session = SessionStore(args)
		result = get_user(request).username
	`, key, &username)
	if username != "alice" {
		t.Errorf("status %d: Django takes the visitor for %q", w.Code, username)
	}
}

func (s *pooledSite) staysReadOnly(t *testing.T, pooler *djangotest.Pooler) {
	ctx := t.Context()
	store := s.open(t, pooler, storeurl.OpenReadOnly)
	before := s.n(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r, err := store.Load(ctx, s.key)
			if err != nil {
				t.Error(err)
				return
			}
			for op, err := range map[string]error{
				"replace": second(store.Replace(ctx, r, new(djsession.Values), time.Time{})),
				"create":  second(store.Create(ctx, "", nil, time.Time{})),
				"delete":  store.Delete(ctx, s.key),
			} {
				if !errors.Is(err, djsession.ErrReadOnly) {
					t.Errorf("%s: %v", op, err)
				}
			}
			if _, err := store.Load(ctx, djsession.NewKey()); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("load an unknown key: %v", err)
			}
		})
	}
	wg.Wait()
	seen := 0
	for _, err := range store.Scan(ctx, djsession.Range{}) {
		if seen++; err != nil {
			t.Errorf("scan: %v", err)
		}
	}
	if seen == 0 {
		t.Error("the scan sees no session")
	}
	// It is the server that refuses, also what does not go through the store.
	for _, statement := range []string{"UPDATE django_session SET session_data = ''", "CREATE TABLE t (a integer)"} {
		if _, err := store.DB().ExecContext(ctx, statement); sqlState(err) != "25006" {
			t.Errorf("%s: %v", statement, err)
		}
	}
	tx, err := store.DB().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM django_session WHERE session_key = $1", s.key); sqlState(err) != "25006" {
		t.Errorf("delete in a transaction: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Error(err)
	}
	if stmt, err := store.DB().PrepareContext(ctx, "DELETE FROM django_session"); err == nil {
		if _, err := stmt.ExecContext(ctx); sqlState(err) != "25006" {
			t.Errorf("delete by a prepared statement: %v", err)
		}
		stmt.Close()
	}
	// A check sees the types of columns.
	users, err := djauth.UsersIn(store, djauth.UserModel{PrimaryKey: djauth.Text})
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Check(ctx); err == nil || !strings.Contains(err.Error(), "PrimaryKey") {
		t.Errorf("a check of the users with a wrong PrimaryKey: %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := store.Load(canceled, s.key); !errors.Is(err, context.Canceled) {
		t.Errorf("load, canceled: %v", err)
	}
	if after := s.n(t); after != before {
		t.Errorf("Django reads %d, and read %d before", after, before)
	}
}

func second(_ *djsession.Record, err error) error { return err }

func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return fmt.Sprint(err)
}

// Without a pooler the startup packet makes the server refuse writes, and a read is one statement.
func TestReadOnlyWithoutPooler(t *testing.T) {
	djangotest.NotShort(t, "PostgreSQL")
	db := djangotest.Postgres(t)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		"":                                 "off", // outside of a transaction block
		"?target_session_attrs=read-write": "on",
	} {
		store, err := storeurl.OpenReadOnly(db.URL+options, settings)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var inBlock string
		query := "SELECT CASE WHEN now() = statement_timestamp() THEN 'off' ELSE 'on' END"
		if err := store.(*dbstore.Store).DB().QueryRowContext(t.Context(), query).Scan(&inBlock); err != nil || inBlock != want {
			t.Errorf("%q: in a transaction block: %s, %v", options, inBlock, err)
		}
		if _, err := store.(*dbstore.Store).DB().ExecContext(t.Context(), "CREATE TABLE t (a integer)"); sqlState(err) != "25006" {
			t.Errorf("%q: create a table: %v", options, err)
		}
	}
}

// When a pooler goes away, the error says so, and nothing is lost.
func (s *pooledSite) losesNothing(t *testing.T) {
	pooler := djangotest.PgBouncer(t)
	store, reader := s.open(t, pooler, storeurl.Open), s.open(t, pooler, storeurl.OpenReadOnly)
	ctx, before := t.Context(), s.n(t)
	add := func() error { return second(djsession.Update(ctx, store, s.key, edit.Add("n", 1))) }
	for _, store := range []*dbstore.Store{store, reader} {
		if _, err := store.Load(ctx, s.key); err != nil {
			t.Fatal(err)
		}
	}

	// The connections that it closed are not used again.
	pooler.Restart(t)
	if err := add(); err != nil {
		t.Errorf("update after a restart: %v", err)
	}
	if _, err := reader.Load(ctx, s.key); err != nil {
		t.Errorf("load, read-only, after a restart: %v", err)
	}

	// While it is away, nothing is sent.
	pooler.Stop(t)
	for op, err := range map[string]error{"update": add(), "load": second(store.Load(ctx, s.key)), "load, read-only": second(reader.Load(ctx, s.key))} {
		if err == nil || errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrOutcomeUnknown) || !strings.Contains(err.Error(), pooler.Addr) {
			t.Errorf("%s without a pooler: %v", op, err)
		}
	}
	if n := s.n(t); n != before+1 {
		t.Errorf("Django reads %d, want %d", n, before+1)
	}
	pooler.Start(t)

	// It goes away while the server works on an update, which waits for a lock.
	release := s.lock(t)
	failed := make(chan error, 1)
	go func() { failed <- add() }()
	s.awaitWaiter(t)
	pooler.Stop(t)
	if err := <-failed; !errors.Is(err, djsession.ErrOutcomeUnknown) {
		t.Errorf("update whose answer was lost: %v", err)
	}
	release()
	pooler.Start(t)
	if err := add(); err != nil {
		t.Errorf("update after the pooler came back: %v", err)
	}
	if n := s.n(t); n != before+2 && n != before+3 { // the server may have made the update that had no answer
		t.Errorf("Django reads %d, want %d or one more", n, before+2)
	}
}

// lock locks the row of Django's session until release is called.
func (s *pooledSite) lock(t *testing.T) (release func()) {
	t.Helper()
	tx, err := s.db(t).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.Exec("SELECT 1 FROM django_session WHERE session_key = $1 FOR UPDATE", s.key)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback() }
}

// awaitWaiter waits until a statement waits for a lock.
func (s *pooledSite) awaitWaiter(t *testing.T) {
	t.Helper()
	db := s.db(t)
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		if err := db.QueryRow("SELECT count(*) FROM pg_locks WHERE NOT granted").Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}

// db is the database without a pooler.
func (s *pooledSite) db(t *testing.T) *sql.DB {
	t.Helper()
	store, err := storeurl.Open(s.direct.URL, s.settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store.(*dbstore.Store).DB()
}

// A load by a store that is read-only costs nothing more where the server is reached directly, and
// two more round trips through a pooler.
func BenchmarkReadOnly(b *testing.B) {
	db := djangotest.Postgres(b)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		b.Fatal(err)
	}
	store, err := storeurl.Open(db.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.(*dbstore.Store).CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	r, err := store.Create(b.Context(), "", nil, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	for _, way := range []struct{ name, url string }{{"direct", db.URL}, {"pooler", djangotest.PgBouncer(b).Through(b, db).URL}} {
		for name, open := range map[string]func(string, *djsession.Settings, ...storeurl.Option) (storeurl.Store, error){
			way.name: storeurl.Open, way.name + ", read-only": storeurl.OpenReadOnly,
		} {
			b.Run(name, func(b *testing.B) {
				store, err := open(way.url, settings)
				if err != nil {
					b.Fatal(err)
				}
				defer store.Close()
				for b.Loop() {
					if _, err := store.Load(b.Context(), r.Key); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
