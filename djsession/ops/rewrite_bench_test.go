package ops_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// BenchmarkRewrite compares Rotate and Convert in PostgreSQL with the floor: the same rows read, decoded, encoded and written by bare
// statements of many rows, and with a script in Django. The script leaves the hashes of logins as they are.
func BenchmarkRewrite(b *testing.B) {
	database := djangotest.Postgres(b)
	db, err := sql.Open("postgres", database.URL+"?sslmode=disable")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	update := func() func(keys []string, payloads [][]byte, expires []time.Time) error {
		return func(keys []string, payloads [][]byte, expires []time.Time) error {
			_, err := db.Exec("UPDATE django_session SET session_data = new.data FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS new(key, data, at) "+
				"WHERE session_key = new.key AND expire_date = new.at", pq.Array(keys), pq.Array(texts(payloads)), pq.Array(expires))
			return err
		}
	}
	settings := func(version string, change func(*djsession.Settings)) *djsession.Settings {
		s, err := djsession.NewSettings(version, djangotest.SecretKey)
		if err != nil {
			b.Fatal(err)
		}
		s.UseTZ, s.AcceptNewKey = true, true
		if change != nil {
			change(s)
		}
		return s
	}
	for _, bench := range []struct {
		name          string
		before, after *djsession.Settings
		job           func(store djsession.Store, auth *djauth.Auth) (written int64, err error)
	}{
		{"Rotate", settings("5.2", nil), settings("5.2", func(s *djsession.Settings) {
			s.SecretKey, s.SecretKeyFallbacks = newKey, []string{djangotest.SecretKey}
		}), func(store djsession.Store, auth *djauth.Auth) (int64, error) {
			report, err := ops.Rotate(context.Background(), store, ops.Rotation{Auth: auth})
			return report.Rewritten, err
		}},
		{"Convert", settings("2.2", nil), settings("3.2", nil), func(store djsession.Store, auth *djauth.Auth) (int64, error) {
			report, err := ops.Convert(context.Background(), store, ops.Conversion{Auth: auth, AcceptNewForm: true})
			return report.Converted, err
		}},
	} {
		django := djangotest.Start(b, bench.after.DjangoVersion, djangotest.Settings{
			"DATABASES": database.Settings(), "USE_TZ": true, "SECRET_KEY": bench.after.SecretKey, "SECRET_KEY_FALLBACKS": bench.after.SecretKeyFallbacks,
		})
		django.Do(b, "migrate()", nil, nil)
		for _, n := range benchratio.Sizes(b) {
			b.Run(fmt.Sprintf("%s/%d", bench.name, n), func(b *testing.B) {
				store, err := storeurl.Open(database.URL, bench.after)
				if err != nil {
					b.Fatal(err)
				}
				defer store.Close()
				users, err := djauth.UsersIn(store, djauth.UserModel{})
				if err != nil {
					b.Fatal(err)
				}
				auth, err := djauth.New(users)
				if err != nil {
					b.Fatal(err)
				}
				for range b.N {
					seed(b, database.URL, bench.before, n)
					start := time.Now()
					floor(b, database.URL, bench.after, encoder(b, bench.after), update)
					bare := time.Since(start)
					seed(b, database.URL, bench.before, n)
					start = time.Now()
					written, err := bench.job(store, auth)
					ours := time.Since(start)
					if err != nil || written < int64(n)*8/10 {
						b.Fatalf("%d of %d sessions were written: %v", written, n, err)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(bare.Microseconds())/float64(written), "floor-µs/session")
					b.ReportMetric(float64(ours.Microseconds())/float64(written), "ours-µs/session")
					b.ReportMetric(float64(ours)/float64(bare), "x-floor")
					seed(b, database.URL, bench.before, n)
					script := djangoScript(b, django, encodeAgain, `Session.objects.bulk_update(page, ["session_data"])`)
					b.ReportMetric(script/(float64(ours.Microseconds())/float64(written)), "times-faster-than-Django")
				}
			})
		}
	}
}

func texts(payloads [][]byte) []string {
	all := make([]string, len(payloads))
	for i, p := range payloads {
		all[i] = string(p)
	}
	return all
}
