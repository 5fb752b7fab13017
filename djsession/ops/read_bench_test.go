package ops_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/sessionuser"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// readJob is a job that reads all sessions, with the script that people run in a Django shell for it.
type readJob struct {
	name string
	// run returns how often it has read the sessions, and how long it waited in between.
	run func(store djsession.Store, user string) (passes int, waited time.Duration, err error)
	// script is the Python code that the Django program runs for each session s.
	script string
}

var readJobs = []readJob{
	{"List", func(store djsession.Store, user string) (int, time.Duration, error) {
		theirs := func(r *djsession.Record) bool {
			id, ok := sessionuser.ID(r.Values)
			return ok && id == user
		}
		for _, err := range ops.Find(context.Background(), store, ops.Search{Fits: theirs}) {
			if err != nil {
				return 0, 0, err
			}
		}
		return 1, 0, nil
	}, `
			if s.get_decoded().get("_auth_user_id") == args["user"]:
				found.append(s.session_key)`},
	{"Revoke", func(store djsession.Store, user string) (int, time.Duration, error) {
		report, err := ops.Revoke(context.Background(), store, ops.Revocation{UserID: user})
		return report.Passes, time.Duration(report.Passes-1) * time.Second, err
	}, `
			if s.get_decoded().get("_auth_user_id") == args["user"]:
				found.append(s.session_key)
				s.delete()`},
	{"Stats", func(store djsession.Store, _ string) (int, time.Duration, error) {
		_, err := ops.Stats(context.Background(), store, ops.StatsOptions{})
		return 1, 0, err
	}, `
			values = s.get_decoded()
			users[values.get("_auth_user_id")] += 1
			for name, value in values.items():
				names[name] += len(json.dumps(value))`},
	{"Verify", func(store djsession.Store, _ string) (int, time.Duration, error) {
		_, err := ops.Verify(context.Background(), store, ops.VerifyOptions{})
		return 1, 0, err
	}, `
			if not s.get_decoded():
				found.append(s.session_key)`},
}

// byDjango does the same job on at most 100,000 sessions, and returns the microseconds that each takes.
func (j *readJob) byDjango(b *testing.B, django *djangotest.Django, user string) (each float64) {
	b.Helper()
	django.Do(b, `
		import collections, json, time
		found, users, names = [], collections.Counter(), collections.Counter()
		start, n = time.monotonic(), 0
		for s in Session.objects.filter(expire_date__gt=timezone.now())[:100000].iterator():
			n += 1`+j.script+`
		result = (time.monotonic() - start) * 1e6 / n
	`, map[string]string{"user": user}, &each)
	return each
}

// BenchmarkRead compares the jobs that read on PostgreSQL with the floor, which is the same rows read by bare statements and
// decoded by as many workers, and with a script in Django.
func BenchmarkRead(b *testing.B) {
	source, settings, django := postgresSite(b, nil)
	store, err := storeurl.Open(source.URL, settings)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	keepNothing := func() func([]string, [][]byte, []time.Time) error {
		return func([]string, [][]byte, []time.Time) error { return nil }
	}
	for _, n := range benchratio.Sizes(b) {
		seed(b, source.URL, settings, n)
		live := float64(n) * 9 / 10
		for _, job := range readJobs {
			b.Run(fmt.Sprintf("%s/%d", job.name, n), func(b *testing.B) {
				const rounds = 3
				for range b.N {
					var ratios, bareTimes, ourTimes []float64
					passes := 0
					for range rounds {
						start := time.Now()
						floor(b, source.URL, settings, nil, keepNothing)
						bare := time.Since(start)
						user := someUser(b, store)
						start = time.Now()
						var waited time.Duration
						if passes, waited, err = job.run(store, user); err != nil {
							b.Fatal(err)
						}
						ours := (time.Since(start) - waited) / time.Duration(passes)
						ratios = append(ratios, float64(ours)/float64(bare))
						bareTimes, ourTimes = append(bareTimes, float64(bare.Microseconds())/live), append(ourTimes, float64(ours.Microseconds())/live)
					}
					for _, times := range [][]float64{ratios, bareTimes, ourTimes} {
						slices.Sort(times)
					}
					b.ReportMetric(0, "ns/op")
					b.ReportMetric(bareTimes[rounds/2], "floor-µs/session")
					b.ReportMetric(ourTimes[rounds/2], "ours-µs/session")
					b.ReportMetric(ratios[rounds/2], "x-floor")
					b.ReportMetric(float64(passes), "passes")
					b.ReportMetric(job.byDjango(b, django, someUser(b, store))/ourTimes[rounds/2], "times-faster-than-Django")
				}
			})
		}
	}
}

// someUser returns the ID of a user who has a session.
func someUser(b *testing.B, store djsession.Store) string {
	b.Helper()
	loggedIn := func(r *djsession.Record) bool { return r.Values.Has("_auth_user_id") }
	for r, err := range ops.Find(context.Background(), store, ops.Search{Workers: 1, Fits: loggedIn}) {
		if err != nil {
			b.Fatal(err)
		}
		return r.Values.GetString("_auth_user_id")
	}
	b.Fatal("nobody is logged in")
	return ""
}
