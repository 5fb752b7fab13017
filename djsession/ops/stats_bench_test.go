package ops_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// BenchmarkRead compares Stats and Verify on PostgreSQL with the floor: the same rows read by bare statements and decoded.
func BenchmarkRead(b *testing.B) {
	source := djangotest.Postgres(b)
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		b.Fatal(err)
	}
	settings.UseTZ = true
	djangotest.Start(b, djangotest.Newest, djangotest.Settings{"DATABASES": source.Settings(), "USE_TZ": true}).Do(b, "migrate()", nil, nil)
	store, err := storeurl.OpenReadOnly(source.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	keepNothing := func() func([]string, [][]byte, []time.Time) error {
		return func([]string, [][]byte, []time.Time) error { return nil }
	}
	jobs := map[string]func() (sessions int64, err error){
		"Stats": func() (int64, error) {
			s, err := ops.Stats(context.Background(), store, ops.StatsOptions{})
			return s.Live, err
		},
		"Verify": func() (int64, error) {
			r, err := ops.Verify(context.Background(), store, ops.VerifyOptions{})
			return r.Read, err
		},
	}
	for _, n := range benchratio.Sizes(b) {
		seed(b, source.URL, settings, n)
		for name, job := range jobs {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for range b.N {
					start := time.Now()
					floor(b, source.URL, settings, true, keepNothing)
					bare := time.Since(start)
					start = time.Now()
					sessions, err := job()
					ours := time.Since(start)
					if err != nil || sessions == 0 {
						b.Fatal(sessions, err)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(float64(bare.Microseconds())/float64(sessions), "floor-µs/session")
					b.ReportMetric(float64(ours.Microseconds())/float64(sessions), "ours-µs/session")
					b.ReportMetric(float64(ours)/float64(bare), "x-floor")
				}
			})
		}
	}
}
