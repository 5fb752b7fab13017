package djsession_test

import (
	"database/sql"
	"net/http"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// BenchmarkManager compares a request that loads, changes and saves a session with its two
// statements through the bare driver, with the same bytes. For information, the second ratio adds
// the work of the codec to the statements.
func BenchmarkManager(b *testing.B) {
	for _, kind := range djangotest.Databases() {
		for name, json := range benchSessions() {
			b.Run(kind.Kind+"/"+name, func(b *testing.B) { benchManager(b, kind.New(b), json) })
		}
	}
}

func benchManager(b *testing.B, database djangotest.Database, json string) {
	settings := mustSettings(b)
	to, fro := recordChange(b, database, json)
	dialect, driverName, dsn := dataSource(b, database)
	db, err := sql.Open(driverName, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	store, err := dbstore.New(db, dbstore.Config{Dialect: dialect, Settings: settings})
	if err != nil {
		b.Fatal(err)
	}

	floor := func() {
		replay(b, db, to)
		to, fro = fro, to
	}
	codec, err := djsession.NewCodec(settings)
	if err != nil {
		b.Fatal(err)
	}
	values := fixture.Values(b, json)
	payload, err := codec.Append(nil, values)
	if err != nil {
		b.Fatal(err)
	}
	withCodec := func() {
		floor()
		codec.Decode(payload)
		codec.Append(nil, values)
	}

	m := newManager(b, store, settings)
	n := int64(0)
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { changeN(b, r, 10+n%10) }))
	r := request(stored(b, store, json)).WithContext(b.Context())
	ours := func() {
		n++
		h.ServeHTTP(nowhere{http.Header{}}, r)
	}
	b.Run("statements", func(b *testing.B) { benchratio.Run(b, "statements", floor, ours) })
	b.Run("statements and codec", func(b *testing.B) { benchratio.Run(b, "both", withCodec, ours) })
}

// changeN is the work of the handler. N has two digits, so that all stored sessions have the same
// size.
func changeN(b *testing.B, r *http.Request, n int64) {
	s, err := djsession.FromRequest(r)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Set("n", n); err != nil {
		b.Fatal(err)
	}
}

// recordChange returns the statements of two requests. The second request undoes the first. The
// clock stands still, so that the statements can be replayed any number of times.
func recordChange(b *testing.B, database djangotest.Database, json string) (to, fro []statement) {
	settings := mustSettings(b)
	now := time.Now()
	settings.Now = func() time.Time { return now }
	store, recorder := newRecorded(b, database, settings)
	m := newManager(b, store, settings)
	r := request(stored(b, store, json)).WithContext(b.Context())
	said := make([][]statement, 3)
	for i := range said {
		recorder.take()
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { changeN(b, r, int64(10+i%2)) })).ServeHTTP(nowhere{http.Header{}}, r)
		if said[i] = recorder.take(); len(said[i]) != 2 {
			b.Fatalf("%d statements", len(said[i]))
		}
	}
	return said[1], said[2] // the first request began from another state
}

// replay sends recorded statements to a database.
func replay(b *testing.B, db *sql.DB, said []statement) {
	load, save := said[0], said[1]
	var data sql.NullString
	var length sql.NullInt64
	var expires any
	if err := db.QueryRowContext(b.Context(), load.sql, load.args...).Scan(&data, &length, &expires); err != nil {
		b.Fatal(err)
	}
	result, err := db.ExecContext(b.Context(), save.sql, save.args...)
	if err != nil {
		b.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		b.Fatalf("%d rows, %v", n, err)
	}
}

// BenchmarkUntouched compares a request that does not use its session with the bare handler.
func BenchmarkUntouched(b *testing.B) {
	store, m := newSite(b)
	wrapped, r := m.Handler(hello), request(stored(b, store, `{"a":1}`))
	w := nowhere{http.Header{}}
	b.ReportAllocs()
	benchratio.Run(b, "bare", func() { hello.ServeHTTP(w, r) }, func() { wrapped.ServeHTTP(w, r) })
}
