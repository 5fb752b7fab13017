package ops_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// memory returns an empty store in memory.
func memory(t *testing.T) *djsessiontest.Store {
	t.Helper()
	settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return djsessiontest.NewStore(settings)
}

// fill stores n sessions and returns their keys.
func fill(t *testing.T, store djsession.Store, n int) (keys []string) {
	t.Helper()
	for i := range n {
		v := new(djsession.Values)
		if err := v.Set("n", i); err != nil {
			t.Fatal(err)
		}
		r, err := store.Create(t.Context(), "", v, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, r.Key)
	}
	return keys
}

func has(t *testing.T, store djsession.Store, key string) bool {
	t.Helper()
	_, err := store.Load(t.Context(), key)
	if err != nil && !errors.Is(err, djsession.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// between calls a function between the read of a batch and its insertion.
type between struct {
	*djsessiontest.Store
	created func()
}

func (b between) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	b.created()
	return b.Store.Create(ctx, key, v, expires)
}

// A user who logs out between the read and the insertion stays logged out.
func TestLogoutMeanwhile(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 10)
	gone := keys[3]
	target := between{to, func() {
		if err := from.Delete(t.Context(), gone); err != nil && !errors.Is(err, djsession.ErrNotFound) {
			t.Error(err)
		}
	}}
	report, err := ops.Migrate(t.Context(), from, target, ops.Migration{Job: ops.Job{Workers: 1}})
	if err != nil || report.Inserted != 10 || report.TakenBack != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	for _, key := range keys {
		if has(t, to, key) != (key != gone) {
			t.Errorf("session %s: in the target: %v", djsession.ShortKey(key), has(t, to, key))
		}
	}
}

// What the target has is kept, unless it has expired.
func TestKeptInTarget(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 3)
	own := new(djsession.Values)
	if err := own.Set("own", true); err != nil {
		t.Fatal(err)
	}
	for i, expires := range []time.Time{time.Now().Add(time.Minute), time.Now().Add(-time.Minute)} {
		if _, err := to.Create(t.Context(), keys[i], own, expires); err != nil {
			t.Fatal(err)
		}
	}
	other := fill(t, to, 1)[0]
	report, err := ops.Migrate(t.Context(), from, to, ops.Migration{})
	if err != nil || *report != (ops.MigrationReport{Read: 3, Inserted: 2, Kept: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
	if r, err := to.Load(t.Context(), keys[0]); err != nil || !r.Values.Has("own") {
		t.Errorf("a live session of the target: %v, %v", r, err)
	}
	if r, err := to.Load(t.Context(), keys[1]); err != nil || r.Values.Has("own") {
		t.Errorf("an expired session of the target: %v, %v", r, err)
	}
	if !has(t, to, other) {
		t.Error("another session of the target is gone")
	}
}

// Refresh overwrites what was saved later in the source, and nothing else.
func TestRefresh(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 3)
	if _, err := ops.Migrate(t.Context(), from, to, ops.Migration{}); err != nil {
		t.Fatal(err)
	}
	change := func(store djsession.Store, key, name string, expires time.Time) {
		t.Helper()
		r, err := store.Load(t.Context(), key)
		if err == nil {
			v := r.Values.Clone()
			if err = v.Set(name, 1); err == nil {
				_, err = store.Replace(t.Context(), r, v, expires)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	change(from, keys[0], "new", time.Now().Add(2*time.Hour))
	change(from, keys[1], "new", time.Now().Add(2*time.Hour))
	change(to, keys[1], "newer", time.Now().Add(3*time.Hour))
	report, err := ops.Migrate(t.Context(), from, to, ops.Migration{Refresh: true})
	if err != nil || *report != (ops.MigrationReport{Read: 3, Kept: 2, Refreshed: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
	for i, want := range []string{"new", "newer", "n"} {
		if r, err := to.Load(t.Context(), keys[i]); err != nil || !r.Values.Has(want) {
			t.Errorf("session %d has no %q: %v, %v", i, want, r, err)
		}
	}
}

// dying fails after some sessions.
type dying struct {
	*djsessiontest.Store
	left *int
}

var errDied = errors.New("the server died")

func (d dying) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if *d.left--; *d.left < 0 {
		return nil, errDied
	}
	return d.Store.Create(ctx, key, v, expires)
}

// A target that dies half-way stops the job. A rerun goes on, and takes back who has logged out meanwhile.
func TestTargetDies(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 1200)
	left := 700
	options := ops.Migration{Job: ops.Job{Workers: 1}, Journal: filepath.Join(t.TempDir(), "journal")}
	report, err := ops.Migrate(t.Context(), from, dying{to, &left}, options)
	if !errors.Is(err, errDied) || report.Inserted != 500 {
		t.Fatalf("%+v, %v", report, err)
	}
	files, _ := filepath.Glob(options.Journal + ".*")
	if len(files) != 1 {
		t.Fatalf("journals: %v", files)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the journal: %v, %v", info, err)
	}
	// Of the batch in flight, one logs out and one is another session by now.
	var inFlight []string
	for _, key := range keys {
		if has(t, to, key) {
			inFlight = append(inFlight, key)
		}
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	inserted := 0
	var gone []string
	for _, key := range inFlight {
		if strings.Contains(string(text), key) {
			inserted++
			if len(gone) < 2 {
				gone = append(gone, key)
			}
		}
	}
	if inserted != 200 {
		t.Fatalf("%d sessions of the batch in flight were inserted", inserted)
	}
	for _, key := range gone {
		if err := from.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	r, err := to.Load(t.Context(), gone[1])
	if err == nil {
		_, err = to.Replace(t.Context(), r, r.Values, time.Now().Add(5*time.Hour)) // saved in the target since
	}
	if err != nil {
		t.Fatal(err)
	}
	report, err = ops.Migrate(t.Context(), from, to, options)
	if err != nil || *report != (ops.MigrationReport{Read: 1198, Inserted: 500, Kept: 698, TakenBack: 1}) {
		t.Errorf("%+v, %v", report, err)
	}
	if has(t, to, gone[0]) || !has(t, to, gone[1]) {
		t.Error("the batch in flight was not settled")
	}
	if files, _ := filepath.Glob(options.Journal + ".*"); len(files) != 0 {
		t.Errorf("journals: %v", files)
	}
}

// The journal of a run that was killed is for the next run that writes, beside the live source. A dry run leaves it, and so does a
// source that has been emptied since: it does not show that anybody has logged out.
func TestJournalIsKept(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 3)
	left := 2
	options := ops.Migration{Job: ops.Job{Workers: 1}, Journal: filepath.Join(t.TempDir(), "journal")}
	if _, err := ops.Migrate(t.Context(), from, dying{to, &left}, options); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	var inserted []string
	for _, key := range keys {
		if has(t, to, key) {
			inserted = append(inserted, key)
		}
	}
	if len(inserted) != 2 {
		t.Fatalf("%d sessions were inserted", len(inserted))
	}
	journals := func(when string, want int) {
		t.Helper()
		if files, _ := filepath.Glob(options.Journal + ".*"); len(files) != want {
			t.Errorf("%s: the journals are %v", when, files)
		}
	}
	if err := from.Delete(t.Context(), inserted[0]); err != nil {
		t.Fatal(err)
	}
	dry := options
	dry.DryRun = true
	if _, err := ops.Migrate(t.Context(), from, to, dry); err != nil {
		t.Fatal(err)
	}
	journals("a dry run", 1)
	if _, err := ops.Migrate(t.Context(), memory(t), to, options); err != nil {
		t.Fatal(err)
	}
	for _, key := range inserted {
		if !has(t, to, key) {
			t.Error("an empty source has logged somebody out")
		}
	}
	report, err := ops.Migrate(t.Context(), from, to, options)
	if err != nil || report.TakenBack != 1 || has(t, to, inserted[0]) || !has(t, to, inserted[1]) {
		t.Errorf("the next run: %+v, %v", report, err)
	}
	journals("the next run", 0)
}

// Two machines with other numbers of processors share a store: no session is left out. Many shards on a machine with many
// processors are no error.
func TestShardsOfUnequalMachines(t *testing.T) {
	from, to := memory(t), memory(t)
	fill(t, from, 200)
	for i, workers := range []int{2, 8} {
		job := ops.Job{Shard: i + 1, Shards: 2, Workers: workers}
		if _, err := ops.Migrate(t.Context(), from, to, ops.Migration{Job: job}); err != nil {
			t.Fatal(err)
		}
	}
	if c, err := ops.Compare(t.Context(), from, to, ops.StopOnLoss, ops.Job{}); err != nil || c.Equal != 200 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := ops.Compare(t.Context(), from, to, ops.StopOnLoss, ops.Job{Shard: 1, Shards: djsession.MaxParts}); err != nil {
		t.Error(err)
	}
}

// Other files that are named like a journal stay, and a batch of other stores takes nothing back.
func TestJournalOfOthers(t *testing.T) {
	from, to := memory(t), memory(t)
	keys := fill(t, from, 3)
	left := 3
	options := ops.Migration{Job: ops.Job{Workers: 1}, Journal: filepath.Join(t.TempDir(), "journal"), JournalOf: "a b"}
	log := options.Journal + ".log"
	if err := os.WriteFile(log, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, from, 1)
	if _, err := ops.Migrate(t.Context(), from, dying{to, &left}, options); !errors.Is(err, errDied) {
		t.Fatal(err)
	}
	others := options
	others.JournalOf = "c b"
	otherSource := memory(t)
	fill(t, otherSource, 2)
	if report, err := ops.Migrate(t.Context(), otherSource, to, others); !errors.Is(err, ops.ErrJournal) || *report != (ops.MigrationReport{}) {
		t.Errorf("a journal of other stores: %+v, %v", report, err)
	}
	if report, err := ops.Migrate(t.Context(), from, to, options); err != nil || report.TakenBack != 0 || !has(t, to, keys[0]) {
		t.Errorf("the rerun: %+v, %v", report, err)
	}
	mine := options.Journal + ".0"
	if err := os.WriteFile(mine, []byte("mine, too"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ops.Migrate(t.Context(), from, to, options); !errors.Is(err, ops.ErrJournal) {
		t.Errorf("a file of another kind: %v", err)
	}
	for _, name := range []string{log, mine} {
		if text, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(text), "mine") {
			t.Errorf("%s: %q, %v", filepath.Base(name), text, err)
		}
	}
}

// onlyListed is a store that dies when its sessions were listed.
type onlyListed struct{ *djsessiontest.Store }

func (onlyListed) Load(context.Context, string) (*djsession.Record, error) { return nil, errDied }

// A session with an age of its own and one under an odd key are taken back like others: the engine file never ends the one, and the other's
// key has several lines.
func TestJournalOfOddSessions(t *testing.T) {
	for _, where := range []string{"memory", "files", "memcached"} {
		t.Run(where, func(t *testing.T) {
			from := memory(t)
			aged := new(djsession.Values)
			if err := aged.Set("_session_expiry", 3600); err != nil {
				t.Fatal(err)
			}
			key := "twolines\r\n1 \r"
			if where != "memory" {
				key = "abcdefghij"
			}
			if _, err := from.Create(t.Context(), key, aged, time.Time{}); err != nil {
				t.Fatal(err)
			}
			fill(t, from, 1)
			var to djsession.Store = memory(t)
			switch where {
			case "files":
				to = openWith(t, inFolder(t), djangotest.Newest, nil)
			case "memcached":
				to = openWith(t, "memcached://"+djangotest.Memcached(t, 1).Addrs()[0], djangotest.Newest, nil)
			}
			options := ops.Migration{Job: ops.Job{Workers: 1}, Journal: filepath.Join(t.TempDir(), "journal"), Force: true}
			if _, err := ops.Migrate(t.Context(), onlyListed{from}, to, options); !errors.Is(err, errDied) || !has(t, to, key) {
				t.Fatal(err)
			}
			if err := from.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			report, err := ops.Migrate(t.Context(), from, to, options)
			if err != nil || report.TakenBack != 1 || has(t, to, key) {
				t.Errorf("%+v, %v", report, err)
			}
			if c, err := ops.Compare(t.Context(), from, to, ops.StopOnLoss, ops.Job{}); err != nil || c.Equal != 1 {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

// One store under two names is refused, since a user who logs out meanwhile would be back. Nothing is left of the attempt, nor
// of the same question about two stores.
func TestSameStoreUnderTwoNames(t *testing.T) {
	redis := djangotest.Redis(t)
	folder := inFolder(t)
	link := t.TempDir() + "/link"
	if err := os.Symlink(strings.TrimPrefix(folder, "file:///"), link); err != nil {
		t.Fatal(err)
	}
	for name, urls := range map[string][2]string{
		"files": {folder, "file:///" + link},
		"redis": {redis.URL, strings.Replace(redis.URL, "127.0.0.1", "localhost", 1)},
	} {
		from, to := openWith(t, urls[0], djangotest.Newest, nil), openWith(t, urls[1], djangotest.Newest, nil)
		fill(t, from, 3)
		report, err := ops.Migrate(t.Context(), from, to, ops.Migration{})
		if !errors.Is(err, ops.ErrSameStore) || *report != (ops.MigrationReport{}) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		other := memory(t)
		for range 2 {
			if _, err := ops.Migrate(t.Context(), from, other, ops.Migration{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, store := range []djsession.Store{from, other} {
			n := 0
			for _, err := range store.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 3 {
				t.Errorf("%s: there are %d sessions", name, n)
			}
		}
	}
}

// A key that the target takes for that of another session is not counted as kept.
func TestKeysThatTheTargetDoesNotTellApart(t *testing.T) {
	djangotest.NotShort(t, "MariaDB")
	to := openWith(t, djangotest.MariaDB(t).URL, djangotest.Newest, nil)
	if _, err := to.(djsession.SQLStore).DB().Exec("CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	from := memory(t)
	for _, key := range []string{"abcdefgh", "ABCDEFGH", "ijklmnop"} {
		if _, err := from.Create(t.Context(), key, nil, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for run, want := range []ops.MigrationReport{{Read: 3, Inserted: 2, Failed: 1}, {Read: 3, Kept: 2, Failed: 1}} {
		if report, err := ops.Migrate(t.Context(), from, to, ops.Migration{}); err != nil || *report != want {
			t.Errorf("run %d: %+v, %v", run, report, err)
		}
	}
}
