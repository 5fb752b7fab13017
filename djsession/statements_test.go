package djsession_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// recorder records the statements that a database gets, and everything else that costs a round trip.
type recorder struct {
	driver driver.Driver
	dsn    string

	mu   sync.Mutex
	said []statement
}

type statement struct {
	sql  string
	args []any
}

func (r *recorder) note(text string, args ...driver.NamedValue) {
	s := statement{sql: text}
	for _, arg := range args {
		s.args = append(s.args, arg.Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, s)
}

// take returns what was recorded since the last call.
func (r *recorder) take() []statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	return said
}

// Driver implements driver.Connector.
func (r *recorder) Driver() driver.Driver { return r.driver }

// Connect implements driver.Connector.
func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	conn, err := r.driver.Open(r.dsn)
	return recordedConn{conn, r}, err
}

type recordedConn struct {
	driver.Conn
	r *recorder
}

func (c recordedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.r.note(query, args...)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
}

func (c recordedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.r.note(query, args...)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, query, args)
}

func (c recordedConn) Prepare(query string) (driver.Stmt, error) {
	c.r.note("prepare " + query)
	return c.Conn.Prepare(query)
}

func (c recordedConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	c.r.note("begin")
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, options)
}

// dataSource is the driver of a database, and the data source name with which storeurl opens it.
func dataSource(t testing.TB, db djangotest.Database) (dialect dbstore.Dialect, driverName, dsn string) {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	switch db.Kind {
	case "postgres":
		return dbstore.PostgreSQL, "postgres", db.URL + "?binary_parameters=yes&sslmode=disable"
	case "mariadb":
		return dbstore.MySQL, "mysql", u.User.Username() + ":" + password + "@tcp(" + u.Host + ")/" + db.Name + "?interpolateParams=true&charset=utf8mb4"
	}
	return dbstore.SQLite, "sqlite", "file:" + db.Name
}

// newRecorded returns a new store in a database, and the recorder of its statements.
func newRecorded(t testing.TB, db djangotest.Database, settings *djsession.Settings) (*dbstore.Store, *recorder) {
	t.Helper()
	dialect, name, dsn := dataSource(t, db)
	if db.Kind == "sqlite" {
		if err := os.WriteFile(db.Name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	r := &recorder{driver: plain.Driver(), dsn: dsn}
	store, err := dbstore.New(sql.OpenDB(r), dbstore.Config{Dialect: dialect, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, r
}

// A request that does not use its session costs no query. A request that reads costs one, and a
// request that changes the session two. As in Django, a login inserts a new row and deletes the old
// one.
func TestStatements(t *testing.T) {
	const unknown = "of0a0session0that0is0elsewhere00"
	type session = djsession.Session
	for _, kind := range djangotest.Databases() {
		t.Run(kind.Kind, func(t *testing.T) {
			settings := mustSettings(t)
			store, recorder := newRecorded(t, kind.New(t), settings)
			m := newManager(t, store, settings)
			every := mustSettings(t)
			every.SessionSaveEveryRequest = true
			saving := newManager(t, reopen(t, store, every), every)
			for _, c := range []struct {
				name string
				m    *djsession.Manager
				key  string // "live": the key of a stored session
				view func(r *http.Request, s *session)
				want string
			}{
				{"untouched", m, "live", nil, ""},
				{"untouched, without a session", m, "", nil, ""},
				{"asked for", m, "live", func(r *http.Request, s *session) {}, "SELECT"},
				{"asked for, without a session", m, "", func(r *http.Request, s *session) { s.GetString("name") }, ""},
				{"asked for, unknown", m, unknown, func(r *http.Request, s *session) { s.GetString("name") }, "SELECT"},
				{"read", m, "live", func(r *http.Request, s *session) { s.GetString("name"); s.Has("n") }, "SELECT"},
				{"changed", m, "live", func(r *http.Request, s *session) { s.GetString("name"); s.Set("name", "x"); s.Delete("n") }, "SELECT UPDATE"},
				{"saved", m, "live", func(r *http.Request, s *session) { s.Set("name", "x"); s.Save(r.Context()) }, "SELECT UPDATE UPDATE"}, // as in Django, since the session may have been deleted meanwhile
				{"made", m, "", func(r *http.Request, s *session) { s.Set("name", "x") }, "INSERT"},
				{"made, unknown", m, unknown, func(r *http.Request, s *session) { s.Set("name", "x") }, "SELECT INSERT"},
				{"flushed", m, "live", func(r *http.Request, s *session) { s.Flush(r.Context()) }, "SELECT DELETE"},
				{"flushed, and used", m, "live", func(r *http.Request, s *session) { s.Flush(r.Context()); s.Set("a", 1) }, "SELECT DELETE INSERT"},
				{"cycled", m, "live", func(r *http.Request, s *session) { s.CycleKey(r.Context()) }, "SELECT INSERT DELETE"},
				{"as in a login", m, "live", func(r *http.Request, s *session) { s.CycleKey(r.Context()); s.Set("_auth_user_id", "1") }, "SELECT INSERT DELETE UPDATE"},
				{"as in a login, without a session", m, "", func(r *http.Request, s *session) { s.CycleKey(r.Context()); s.Set("_auth_user_id", "1") }, "INSERT UPDATE"},
				{"deleted meanwhile", m, "live", func(r *http.Request, s *session) { s.Set("a", 1); store.Delete(r.Context(), s.Key()) }, "SELECT (DELETE) UPDATE SELECT"},
				{"changed meanwhile", m, "live", func(r *http.Request, s *session) {
					s.Set("a", 1)
					djsession.Update(r.Context(), store, s.Key(), edit.Set("b", 2))
				}, "SELECT (SELECT UPDATE) UPDATE SELECT UPDATE"},
				{"untouched, saved every time", saving, "live", nil, "SELECT UPDATE"},
				{"read, saved every time", saving, "live", func(r *http.Request, s *session) { s.GetString("name") }, "SELECT UPDATE"},
			} {
				key := c.key
				if key == "live" {
					key = stored(t, store, `{"name":"y","n":1}`)
				}
				recorder.take()
				c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if c.view == nil {
						return
					}
					s, err := djsession.FromRequest(r)
					if err != nil {
						t.Error(err)
						return
					}
					c.view(r, s)
				})).ServeHTTP(httptest.NewRecorder(), request(key))
				var verbs []string
				for _, s := range recorder.take() {
					verb, _, _ := strings.Cut(s.sql, " ")
					verbs = append(verbs, verb)
				}
				// The statements in brackets are the test's own.
				want := strings.NewReplacer("(", "", ")", "").Replace(c.want)
				if got := strings.Join(verbs, " "); got != want {
					t.Errorf("%s: %s, want %s", c.name, got, want)
				}
			}
		})
	}
}
