package dbcache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Django and Go read each other's items, and each sees when the other has written, touched or
// deleted one.
func TestBothWays(t *testing.T) {
	for _, version := range djangotest.Djangos(versions...) {
		for _, d := range djangotest.Databases() {
			t.Run(version+"/"+d.Kind, func(t *testing.T) {
				t.Parallel()
				bothWays(t, newSite(t, version, d.New(t), nil, nil))
			})
		}
	}
}

func bothWays(t *testing.T, s *site) {
	ctx := t.Context()
	var made struct{ Key, Pickle string }
	s.Do(t, `
		import pickle
		from decimal import Decimal
		value = {"text": "\u017c\u00f3\u0142w", "when": datetime.datetime(2031, 2, 3), "price": Decimal("1.10"), "big": "x" * 5000}
		name = "django.contrib.sessions.cache" + "abcdefghijklmnopqrstuvwxyz012345"
		cache.set(name, value, 600)
		result = {"Key": cache.make_key(name), "Pickle": pickle.dumps(value, pickle.HIGHEST_PROTOCOL).hex()}
	`, nil, &made)
	if made.Key != key {
		t.Fatalf("Django's key is %q", made.Key)
	}
	item, err := s.Get(ctx, key)
	if err != nil || !slices.Equal(item.Data, unhex(t, made.Pickle)) {
		t.Fatalf("%+v, %v", item, err)
	}
	if left := time.Until(item.Expires); left > 600*time.Second || left < 540*time.Second {
		t.Errorf("ends in %v", left)
	}

	// Written by Go.
	item, err = s.Swap(ctx, key, item, []byte("\x80\x04}\x94\x8c\x01n\x94K\x01s."), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var seen string
	if s.Do(t, `result = repr((cache.get(name), name in cache, cache.add(name, 1)))`, nil, &seen); seen != `({'n': 1}, True, False)` {
		t.Errorf("Django has %s", seen)
	}

	// Touched by Django: the value is the same, and yet it was changed.
	s.Do(t, `cache.touch(name, 7200)`, nil, nil)
	var conflict *cachestore.ConflictError
	if _, err := s.Swap(ctx, key, item, []byte("x"), time.Hour); !errors.As(err, &conflict) {
		t.Fatalf("%v", err)
	}
	if left := time.Until(conflict.Current.Expires); left > 2*time.Hour || left < 2*time.Hour-time.Minute {
		t.Errorf("ends in %v", left)
	}

	// Deleted by Django, added by Go, deleted by Go, added by Django.
	s.Do(t, `cache.delete(name)`, nil, nil)
	if _, err := s.Swap(ctx, key, conflict.Current, []byte("x"), time.Hour); !errors.Is(err, djsession.ErrNotFound) {
		t.Errorf("deleted by Django: %v", err)
	}
	s.add(t, key, "\x80\x04K\x07.")
	if s.Do(t, `result = repr(cache.get(name))`, nil, &seen); seen != `7` {
		t.Errorf("Django has %s", seen)
	}
	if err := s.Delete(ctx, key); err != nil {
		t.Error(err)
	}
	if s.Do(t, `result = repr((cache.get(name), cache.add(name, 8)))`, nil, &seen); seen != `(None, True)` {
		t.Errorf("Django has %s", seen)
	}
	if _, err := s.Add(ctx, key, nil, time.Hour); !errors.Is(err, djsession.ErrKeyTaken) {
		t.Errorf("Django's key: %v", err)
	}

	// Without an end.
	s.Do(t, `cache.set(name, 9, None)`, nil, nil)
	if item, err = s.Get(ctx, key); err != nil || !item.Expires.Equal(djsession.Never) {
		t.Fatalf("%+v, %v", item, err)
	}
	if _, err := s.Swap(ctx, key, item, []byte("x"), time.Hour); err != nil {
		t.Error(err)
	}
}

// fixedClock makes Django's cache see another time.
const fixedClock = `
	import types
	from django.core.cache.backends import base, db
	def clock(seconds):
		base.time = types.SimpleNamespace(time=lambda: seconds)
		aware = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
		def now():
			return aware if settings.USE_TZ else datetime.datetime.fromtimestamp(seconds)
		if hasattr(db, "tz_now"):
			db.tz_now = now
		else:
			db.timezone.now = now
`

// The same timeout at the same moment is the same text in the table, and ends
// at the same moment for both.
func TestTimesAgreeWithDjango(t *testing.T) {
	for _, version := range djangotest.Djangos(versions...) {
		for _, kind := range djangotest.Databases() {
			for _, zone := range djangotest.TimeZones() {
				t.Run(strings.Join([]string{version, kind.Kind, zone.Name}, "/"), func(t *testing.T) {
					if kind.Kind == "postgres" && zone.Database != "" {
						return // holds instants
					}
					t.Parallel()
					db := kind.New(t)
					if zone.Database != "" {
						db.Django["TIME_ZONE"] = zone.Database
					}
					s := newSite(t, version, db, djangotest.Settings{"USE_TZ": zone.UseTZ, "TIME_ZONE": zone.Zone}, nil)
					s.config.TimeZone = zone.Database
					s.Do(t, fixedClock, nil, nil)
					timesAgree(t, s, version == "3.2" && zone.Database != "")
				})
			}
		}
	}
}

// timesAgree is told of a Django that does not agree with itself.
func timesAgree(t *testing.T, s *site, djangoErrs bool) {
	expires := map[string]string{
		"sqlite":   "SELECT CAST(expires AS TEXT) FROM %s WHERE cache_key = '%s'",
		"postgres": "SELECT CAST(extract(epoch FROM expires) AS text) FROM %s WHERE cache_key = '%s'",
		"mariadb":  "SELECT CAST(expires AS CHAR) FROM %s WHERE cache_key = '%s'",
	}[s.db.Kind]
	var now time.Time
	s.settings.Now = func() time.Time { return now }
	s.Cache = s.open(t, s.config)
	for i, start := range []string{
		"2027-06-01T12:00:00.750Z",
		"2027-03-14T04:30:00.250Z", // an hour before clocks are set forward in St. John's
		"2027-11-07T03:30:00.500Z", // and back
	} {
		begin, err := time.Parse(time.RFC3339Nano, start)
		if err != nil {
			t.Fatal(err)
		}
		for _, seconds := range []int{0, -5, 1, 60, 3600, 5400, 7200, 86400 * 200} {
			timeout := time.Duration(seconds) * time.Second
			theirs, ours := fmt.Sprintf("theirs-%d-%d", i, seconds), fmt.Sprintf("ours-%d-%d", i, seconds)
			now = begin
			s.Do(t, `
				clock(args["now"])
				cache.set(args["key"], 1, args["timeout"])
			`, map[string]any{"now": seconds64(now), "key": theirs, "timeout": seconds}, nil)
			item, err := s.Add(t.Context(), ":1:"+ours, []byte("\x80\x04K\x01."), timeout)
			if err != nil {
				t.Fatal(err)
			}
			written := s.column(t, fmt.Sprintf(expires, table, ":1:"+theirs))
			if got := s.column(t, fmt.Sprintf(expires, table, ":1:"+ours)); !djangoErrs && !slices.Equal(got, written) {
				t.Errorf("%d s at %s: ends %s, and for Django %s", seconds, start, got, written)
			}
			// Who has an item at which moment.
			for _, after := range []time.Duration{0, timeout - time.Second, timeout - 400*time.Millisecond, timeout + 100*time.Millisecond, timeout + time.Second, timeout + 3600*time.Second} {
				now = begin.Add(after)
				var there map[string]bool
				s.Do(t, `
					clock(args["now"])
					result = {}
					for key in args["keys"]: # not get(), which deletes
						row = db.DatabaseCache._base_delete_many
						db.DatabaseCache._base_delete_many = lambda self, keys: None
						result[key] = cache.get(key) is not None
						db.DatabaseCache._base_delete_many = row
				`, map[string]any{"now": seconds64(now), "keys": []string{theirs, ours}}, &there)
				for _, key := range []string{theirs, ours} {
					_, err := s.Get(t.Context(), ":1:"+key)
					if err != nil && !errors.Is(err, djsession.ErrNotFound) {
						t.Fatal(err)
					}
					if got := err == nil; got != there[key] {
						t.Errorf("%s, after %v: there %v, and for Django %v; ends %v", key, after, got, there[key], item.Expires)
					}
				}
				if djangoErrs && there[ours] != (after < timeout && timeout > 0) && after < timeout-time.Second {
					t.Errorf("%s, after %v: Django has it: %v", ours, after, there[ours])
				}
			}
		}
	}
}

func seconds64(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Go's writes cull when Django's would, and delete the same rows.
func TestCullingIsDjangos(t *testing.T) {
	cases := []struct {
		name                            string
		live, ended                     int
		maxEntries, frequency, goneLive int
	}{
		{"as many as there may be", 10, 0, 10, 3, 0},
		{"one more", 11, 0, 10, 3, 3},
		{"many more", 25, 5, 10, 3, 8},
		{"those that have ended are enough", 9, 4, 10, 3, 0},
		{"half of them", 13, 1, 10, 2, 6},
		{"a frequency of 1 culls nothing", 13, 1, 10, 1, 0},
		{"a large frequency", 13, 1, 10, 100, 0},
		{"all of them", 12, 0, 10, 0, 12},
	}
	for _, version := range djangotest.Djangos(versions...) {
		for _, d := range djangotest.Databases() {
			t.Run(version+"/"+d.Kind, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, version, d.New(t), nil, map[string]any{"MAX_ENTRIES": 100000})
				for _, c := range cases {
					t.Run(c.name, func(t *testing.T) {
						s.exec(t, "DELETE FROM "+table, "DELETE FROM other_cache")
						s.Do(t, `
							for i in range(args["live"] + args["ended"]):
								# some of them sort differently by collation
								cache.set(("K%02d" if i % 3 else "k_%02d") % i, i, 600 if i < args["live"] else -600)
						`, map[string]any{"live": c.live, "ended": c.ended}, nil)
						s.exec(t, "INSERT INTO other_cache SELECT * FROM "+table)
						for _, kind := range []string{"add", "set"} {
							cull(t, s, kind, c.maxEntries, c.frequency, map[string]int{"add": c.goneLive}[kind])
						}
					})
				}
			})
		}
	}
}

// cull writes once in each of the two tables, which are alike.
func cull(t *testing.T, s *site, kind string, maxEntries, frequency, gone int) {
	config := s.config
	config.MaxEntries, config.CullFrequency = maxEntries, frequency
	if frequency == 0 {
		config.CullFrequency = -1
	}
	log, text := logged()
	config.Logger = log
	cache := s.open(t, config)
	before := len(s.column(t, "SELECT cache_key FROM "+table+" WHERE cache_key <> ':1:K00written'"))
	const name = "K00written" // among the first to go
	s.Do(t, `
		other = caches["other"]
		other._max_entries, other._cull_frequency = args["max"], args["frequency"]
		getattr(other, args["kind"])(args["name"], "written", 600)
	`, map[string]any{"max": maxEntries, "frequency": frequency, "kind": kind, "name": name}, nil)
	var err error
	if kind == "add" {
		_, err = cache.Add(t.Context(), ":1:"+name, []byte("x"), 10*time.Minute)
	} else {
		var item *cachestore.Item
		if item, err = cache.Get(t.Context(), ":1:"+name); err == nil {
			_, err = cache.Swap(t.Context(), ":1:"+name, item, []byte("y"), 10*time.Minute)
		}
	}
	if err != nil {
		t.Errorf("%s: %v", kind, err)
	}
	got := s.column(t, "SELECT cache_key FROM "+table+" ORDER BY cache_key")
	want := s.column(t, "SELECT cache_key FROM other_cache ORDER BY cache_key")
	if !slices.Equal(got, want) {
		t.Errorf("%s: left are %q\nDjango leaves %q", kind, got, want)
	}
	if kind != "add" {
		return
	}
	if says := fmt.Sprintf("deleted=%d of=", gone); (gone > 0) != strings.Contains(text.String(), says) || gone == 0 && text.Len() > 0 {
		t.Errorf("of %d: the log has %s", before, text)
	}
}

// Without MaxEntries, Go deletes no items.
func TestNoCullingUntold(t *testing.T) {
	s := newSite(t, djangotest.Newest, djangotest.SQLite(t), nil, map[string]any{"MAX_ENTRIES": 1000})
	s.Do(t, `
		for i in range(400):
			cache.set("k%d" % i, i, 600)
	`, nil, nil)
	s.add(t, key, "x")
	if n := len(s.column(t, "SELECT cache_key FROM "+table)); n != 401 {
		t.Errorf("%d of 401 are left", n)
	}
}
