package ops_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/lib/pq"
	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// realistic returns the values of a session of a usual size: six of ten are of anonymous visitors, three of users, and some have
// a cart, of which one in a hundred sessions has a large one.
func realistic(random *rand.Rand, i int) string {
	text := fmt.Sprintf(`{"_csrftoken":"%032x","visits":%d`, random.Uint64(), random.IntN(100))
	if i%10 >= 6 {
		text += fmt.Sprintf(`,"_auth_user_id":"%d","_auth_user_backend":"django.contrib.auth.backends.ModelBackend","_auth_user_hash":"%064x"`,
			random.IntN(100_000), random.Uint64())
	}
	lines := 0
	switch {
	case i%100 == 0:
		lines = 200
	case i%10 == 9:
		lines = 20
	}
	if lines > 0 {
		text += `,"cart":{`
		for j := range lines {
			if j > 0 {
				text += ","
			}
			text += fmt.Sprintf(`"%d":{"quantity":%d,"price":"%d.%02d","name":"article number %d"}`, random.IntN(1e6), random.IntN(9)+1, random.IntN(500), random.IntN(100), j)
		}
		text += "}"
	}
	return text + "}"
}

// seed fills the session table of a PostgreSQL with n realistic sessions, one in ten of which has expired.
func seed(b *testing.B, url string, settings *djsession.Settings, n int) {
	b.Helper()
	seedExpired(b, url, settings, n, func(i int) bool { return i%10 == 5 })
}

// seedExpired is seed with a choice of the sessions that have expired.
func seedExpired(b *testing.B, url string, settings *djsession.Settings, n int, isExpired func(i int) bool) {
	b.Helper()
	db, err := sql.Open("postgres", url+"?sslmode=disable")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("TRUNCATE django_session"); err != nil {
		b.Fatal(err)
	}
	codec, err := djsession.NewCodec(settings)
	if err != nil {
		b.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	rows, err := tx.Prepare("COPY django_session (session_key, session_data, expire_date) FROM STDIN")
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var payload []byte
	for i := range n {
		v := new(djsession.Values)
		if err := v.UnmarshalPythonJSON(realistic(random, i)); err != nil {
			b.Fatal(err)
		}
		if payload, err = codec.Append(payload[:0], v); err != nil {
			b.Fatal(err)
		}
		expires := time.Now().Add(time.Duration(random.IntN(14*24)+1) * time.Hour)
		if isExpired(i) {
			expires = time.Now().Add(-time.Duration(random.IntN(30*24*60)+60) * time.Minute)
		}
		if _, err := rows.Exec(djsession.NewKey(), string(payload), expires); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := rows.Exec(); err != nil {
		b.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	if _, err := db.Exec("ANALYZE django_session"); err != nil {
		b.Fatal(err)
	}
}

// floor reads the live rows of a PostgreSQL as bare pages, decodes them, encodes them unless encode is nil, and hands each page to
// write, by as many workers as there are processors.
func floor(b *testing.B, url string, settings *djsession.Settings, encode func([]byte, *djsession.Values) ([]byte, error),
	newWriter func() func(keys []string, payloads [][]byte, expires []time.Time) error) {
	b.Helper()
	db, err := sql.Open("postgres", url+"?sslmode=disable&binary_parameters=yes")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	codec, err := djsession.NewCodec(settings)
	if err != nil {
		b.Fatal(err)
	}
	const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for w := range workers {
		write := newWriter()
		from, to := "", "~"
		if w > 0 {
			from = alphabet[w*36/workers:][:1]
		}
		if w+1 < workers {
			to = alphabet[(w+1)*36/workers:][:1]
		}
		all.Go(func() {
			for {
				rows, err := db.Query("SELECT session_key, session_data, expire_date FROM django_session WHERE session_key > $1 AND session_key < $2 AND expire_date > $3 ORDER BY session_key LIMIT 500",
					from, to, time.Now())
				if err != nil {
					b.Error(err)
					return
				}
				var keys []string
				var payloads [][]byte
				var expires []time.Time
				for rows.Next() {
					var key string
					var data []byte
					var at time.Time
					if err := rows.Scan(&key, &data, &at); err != nil {
						b.Error(err)
					}
					v, _, err := codec.Decode(data)
					if err == nil && encode != nil {
						data, err = encode(nil, v)
					}
					if err != nil {
						b.Error(err)
					}
					keys, payloads, expires = append(keys, key), append(payloads, data), append(expires, at)
				}
				rows.Close()
				if len(keys) == 0 {
					return
				}
				if err := write(keys, payloads, expires); err != nil {
					b.Error(err)
				}
				from = keys[len(keys)-1]
			}
		})
	}
	all.Wait()
}

// encoder returns a function that encodes payloads with these settings.
func encoder(b *testing.B, settings *djsession.Settings) func([]byte, *djsession.Values) ([]byte, error) {
	b.Helper()
	codec, err := djsession.NewCodec(settings)
	if err != nil {
		b.Fatal(err)
	}
	return codec.Append
}

// bulkInsert returns a writer of bare statements of many rows.
func bulkInsert(db *sql.DB, placeholder func(i int) string) func(keys []string, payloads [][]byte, expires []time.Time) error {
	return func(keys []string, payloads [][]byte, expires []time.Time) error {
		var text strings.Builder
		text.WriteString("INSERT INTO django_session (session_key, session_data, expire_date) VALUES ")
		var args []any
		for i := range keys {
			if i > 0 {
				text.WriteByte(',')
			}
			fmt.Fprintf(&text, "(%s,%s,%s)", placeholder(3*i+1), placeholder(3*i+2), placeholder(3*i+3))
			args = append(args, keys[i], string(payloads[i]), expires[i].UTC().Format("2006-01-02 15:04:05.000000"))
		}
		_, err := db.Exec(text.String(), args...)
		return err
	}
}

// encodeAgain is the Python code that decodes and encodes a session and leaves it to djangoScript.
const encodeAgain = `s.session_data = encode(s.get_decoded()); page.append(s)`

// djangoScript runs Python code for each of at most 100,000 live sessions, as a script in the site would, and code that stores
// a page of 500 of them. It returns the microseconds that each session takes.
func djangoScript(b *testing.B, django *djangotest.Django, each, store string) (micros float64) {
	b.Helper()
	django.Do(b, `
		import time
		from django.core.cache import cache
		encode, page, n, start = SessionStore().encode, [], 0, time.monotonic()
		for s in Session.objects.filter(expire_date__gt=timezone.now())[:100000].iterator():
			n += 1
			`+each+`
			if len(page) == 500:
				`+store+`
				page = []
		`+store+`
		result = (time.monotonic() - start) * 1e6 / n
	`, nil, &micros)
	return micros
}

// postgresSite starts a Django with sessions in PostgreSQL, with more settings and other databases, which are named by their kind. It also
// returns the settings for Go.
func postgresSite(b *testing.B, more djangotest.Settings, others ...djangotest.Database) (djangotest.Database, *djsession.Settings, *djangotest.Django) {
	b.Helper()
	database := djangotest.Postgres(b)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		b.Fatal(err)
	}
	settings.UseTZ = true
	databases := database.Settings()
	for _, other := range others {
		databases[other.Kind] = other.Django
	}
	all := djangotest.Settings{"DATABASES": databases, "USE_TZ": true}
	maps.Copy(all, more)
	django := djangotest.Start(b, djangotest.Newest, all)
	django.Do(b, "for name in settings.DATABASES: migrate(name)", nil, nil)
	return database, settings, django
}

// BenchmarkMigrate compares Migrate from PostgreSQL with the floor: the same rows read, decoded, encoded and written by bare
// statements of many rows, and with a script in Django.
func BenchmarkMigrate(b *testing.B) {
	server := djangotest.Redis(b)
	mariadb, sqlite := djangotest.MariaDB(b), djangotest.SQLite(b)
	source, settings, django := postgresSite(b, djangotest.Settings{"CACHES": djangotest.Caches(server.Django())}, mariadb, sqlite)
	question := func(int) string { return "?" }
	type target struct {
		name  string
		url   string
		empty func()
		write func() func(keys []string, payloads [][]byte, expires []time.Time) error
		// each and store are the code of djangoScript.
		each, store string
	}
	var targets []target
	client := redis.NewClient(&redis.Options{Addr: strings.TrimSuffix(strings.TrimPrefix(server.URL, "redis://"), "/0")})
	b.Cleanup(func() { client.Close() })
	targets = append(targets, target{"Redis", server.URL, func() { client.FlushAll(context.Background()) },
		func() func(keys []string, payloads [][]byte, expires []time.Time) error {
			return func(keys []string, payloads [][]byte, expires []time.Time) error {
				pipe := client.Pipeline()
				for i, key := range keys {
					pipe.SetNX(context.Background(), ":1:django.contrib.sessions.cache"+key, payloads[i], time.Until(expires[i]))
				}
				_, err := pipe.Exec(context.Background())
				return err
			}
		}, `cache.add("django.contrib.sessions.cache" + s.session_key, s.get_decoded(), (s.expire_date - timezone.now()).total_seconds())`, `pass`})
	for _, kind := range []struct {
		name, driver string
		database     djangotest.Database
		dsn          string
	}{
		{"MariaDB", "mysql", mariadb, fmt.Sprintf("%v:%v@tcp(%v:%v)/%s?interpolateParams=true",
			mariadb.Django["USER"], mariadb.Django["PASSWORD"], mariadb.Django["HOST"], mariadb.Django["PORT"], mariadb.Name)},
		{"SQLite", "sqlite", sqlite, "file:" + sqlite.Name + "?_pragma=busy_timeout(5000)"},
	} {
		db, err := sql.Open(kind.driver, kind.dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { db.Close() })
		targets = append(targets, target{kind.name, kind.database.URL, func() {
			if _, err := db.Exec("DELETE FROM django_session"); err != nil {
				b.Fatal(err)
			}
		}, func() func(keys []string, payloads [][]byte, expires []time.Time) error {
			return bulkInsert(db, question)
		}, encodeAgain, `Session.objects.using("` + kind.database.Kind + `").bulk_create(page, ignore_conflicts=True)`})
	}
	from, err := storeurl.OpenReadOnly(source.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	for _, n := range benchratio.Sizes(b) {
		seed(b, source.URL, settings, n)
		for _, target := range targets {
			b.Run(fmt.Sprintf("%s/%d", target.name, n), func(b *testing.B) {
				to, err := storeurl.Open(target.url, settings)
				if err != nil {
					b.Fatal(err)
				}
				defer to.Close()
				for range b.N {
					target.empty()
					start := time.Now()
					floor(b, source.URL, settings, encoder(b, settings), target.write)
					bare := time.Since(start)
					target.empty()
					start = time.Now()
					report, err := ops.Migrate(context.Background(), from, to, ops.Migration{})
					ours := time.Since(start)
					if err != nil || report.Inserted != report.Read {
						b.Fatalf("%+v, %v", report, err)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(bare.Microseconds())/float64(report.Read), "floor-µs/session")
					b.ReportMetric(float64(ours.Microseconds())/float64(report.Read), "ours-µs/session")
					b.ReportMetric(float64(ours)/float64(bare), "x-floor")
					target.empty()
					b.ReportMetric(djangoScript(b, django, target.each, target.store)/(float64(ours.Microseconds())/float64(report.Read)), "times-faster-than-Django")
				}
			})
		}
	}
}
