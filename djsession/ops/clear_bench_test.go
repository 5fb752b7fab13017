package ops_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/edit"
)

// siteAtWork are a reader and a writer of a live site, who measure how long they wait.
type siteAtWork struct {
	store djsession.Store
	keys  []string // of live sessions
}

// waits are the 99th percentiles of how long the reader and the writer waited.
type waits struct{ reader, writer time.Duration }

// beside runs a job beside the reader and the writer, of whom each makes a request every two milliseconds. An error of theirs
// is the benchmark's.
func (s *siteAtWork) beside(b *testing.B, job func()) (w waits, took time.Duration) {
	b.Helper()
	stop := make(chan struct{})
	var both sync.WaitGroup
	measure := func(p99 *time.Duration, request func(key string) error) {
		both.Go(func() {
			var all []time.Duration
			next := time.NewTicker(2 * time.Millisecond)
			defer next.Stop()
			for {
				select {
				case <-stop:
					slices.Sort(all)
					*p99 = all[len(all)*99/100]
					return
				case <-next.C:
				}
				start := time.Now()
				if err := request(s.keys[rand.IntN(len(s.keys))]); err != nil {
					b.Error(err)
				}
				all = append(all, time.Since(start))
			}
		})
	}
	ctx := context.Background()
	measure(&w.reader, func(key string) error {
		_, err := s.store.Load(ctx, key)
		return err
	})
	measure(&w.writer, func(key string) error {
		_, err := djsession.Update(ctx, s.store, key, edit.Set("visits", rand.IntN(1000)))
		return err
	})
	start := time.Now()
	job()
	took = time.Since(start)
	close(stop)
	both.Wait()
	return w, took
}

// BenchmarkClearBeside clears a PostgreSQL of which half has expired, beside a reader and a writer, by ClearExpired and by Django's
// clearsessions. It compares their 99th percentiles with those without a job.
func BenchmarkClearBeside(b *testing.B) {
	source, settings, django := postgresSite(b, nil)
	db, err := sql.Open("postgres", source.URL+"?sslmode=disable")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	open := func() storeurl.Store {
		store, err := storeurl.Open(source.URL, settings)
		if err != nil {
			b.Fatal(err)
		}
		return store
	}
	sites, clears := open(), open() // the job is another process
	defer sites.Close()
	defer clears.Close()
	for _, n := range benchratio.Sizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				b.ReportMetric(0, "ns/op")
				for _, job := range []struct {
					name string
					run  func()
				}{
					{"ours", func() {
						if _, err := ops.ClearExpired(context.Background(), clears, ops.ClearOptions{}); err != nil {
							b.Error(err)
						}
					}},
					{"Django", func() {
						django.Do(b, `
							from django.core.management import call_command
							call_command("clearsessions")
						`, nil, nil)
					}},
				} {
					seedExpired(b, source.URL, settings, n, func(i int) bool { return i%2 == 1 })
					if _, err := db.Exec("VACUUM ANALYZE django_session"); err != nil {
						b.Fatal(err)
					}
					site := siteAtWork{store: sites, keys: someKeys(b, sites)}
					quiet, _ := site.beside(b, func() { time.Sleep(5 * time.Second) })
					busy, took := site.beside(b, job.run)
					var left int
					if err := db.QueryRow("SELECT count(*) FROM django_session WHERE expire_date < now()").Scan(&left); err != nil || left > 0 {
						b.Fatalf("%s: %d expired rows are left, %v", job.name, left, err)
					}
					b.ReportMetric(took.Seconds(), job.name+"-seconds")
					b.ReportMetric(float64(quiet.reader.Microseconds()), job.name+"-quiet-reader-µs")
					b.ReportMetric(float64(quiet.writer.Microseconds()), job.name+"-quiet-writer-µs")
					b.ReportMetric(float64(busy.reader)/float64(quiet.reader), job.name+"-x-reader")
					b.ReportMetric(float64(busy.writer)/float64(quiet.writer), job.name+"-x-writer")
				}
			}
		})
	}
}

// someKeys returns the keys of some thousand live sessions.
func someKeys(b *testing.B, store djsession.Store) (keys []string) {
	b.Helper()
	for r, err := range ops.Find(context.Background(), store, ops.Search{}) {
		if err != nil {
			b.Fatal(err)
		}
		if keys = append(keys, r.Key); len(keys) == 5000 {
			break
		}
	}
	return keys
}
