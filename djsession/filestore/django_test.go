package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// site is a Django with the engine file, and a store on its folder.
type site struct {
	*djangotest.Django
	store    *filestore.Store
	settings *djsession.Settings
}

func newSite(t *testing.T, version string, useTZ bool, zone string) *site {
	t.Helper()
	s := &site{settings: fixture.Settings(t, version)}
	s.settings.UseTZ, s.settings.TimeZone = useTZ, zone
	dir := t.TempDir()
	s.Django = djangotest.Start(t, version, djangotest.Settings{
		"SESSION_ENGINE": "django.contrib.sessions.backends.file", "SESSION_FILE_PATH": dir, "USE_TZ": useTZ, "TIME_ZONE": zone,
	})
	s.store = open(t, filestore.Config{Dir: dir, Settings: s.settings})
	return s
}

func onEachDjango(t *testing.T, f func(t *testing.T, version string)) {
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f(t, version)
		})
	}
}

// Set in Django, get in Go; set in Go, get in Django; delete, flush, cycle and
// expire, both ways.
func TestBothWays(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		s, ctx := newSite(t, version, true, "Europe/Warsaw"), t.Context()
		var key string
		s.Do(t, `
			import os
			s = SessionStore()
			s["text"] = "\u017c\u00f3\u0142w \U0001f600"
			s["nested"] = {"z": 1.0, "a": [float("nan"), 10**30]}
			s.save()
			result = s.session_key
		`, nil, &key)
		r, err := s.store.Load(ctx, key)
		const written = `{"text":"\u017c\u00f3\u0142w \ud83d\ude00","nested":{"z":1.0,"a":[NaN,1000000000000000000000000000000]}}`
		if err != nil || fixture.JSON(t, r.Values) != written {
			t.Fatalf("%v, %v", r, err)
		}
		if left := time.Until(r.Expires); left > 14*24*time.Hour || left < 14*24*time.Hour-time.Minute {
			t.Errorf("expires in %v", left)
		}
		if _, err := djsession.Update(ctx, s.store, key, edit.Set("go", 1)); err != nil {
			t.Fatal(err)
		}
		var seen string
		s.Do(t, `
			s = SessionStore(args)
			result = repr(sorted(s.items()))
			s["django"] = 2
			s.save()
		`, key, &seen)
		if want := `[('go', 1), ('nested', {'z': 1.0, 'a': [nan, 1000000000000000000000000000000]}), ('text', 'żółw 😀')]`; seen != want {
			t.Errorf("Django has %s", seen)
		}
		if r, err = s.store.Load(ctx, key); err != nil || fixture.JSON(t, r.Values) != strings.TrimSuffix(written, "}")+`,"go":1,"django":2}` {
			t.Errorf("%v, %v", r, err)
		}

		// Made by Go.
		ours := create(t, s.store, "", `{"a":1}`)
		s.Do(t, `
			s = SessionStore(args)
			result = repr(dict(s.items())) + oct(os.stat(s._key_to_file()).st_mode)
			s["b"] = 2
			s.save()
		`, ours.Key, &seen)
		if seen != `{'a': 1}0o100600` {
			t.Errorf("Django has %s", seen)
		}
		if _, err := s.store.Replace(ctx, ours, fixture.Values(t, `{}`), time.Time{}); !errors.Is(err, djsession.ErrConflict) {
			t.Errorf("over Django's: %v", err)
		}

		// Cycled and flushed by Django.
		var cycled string
		s.Do(t, `
			s = SessionStore(args)
			s.cycle_key()
			s.save()
			result = s.session_key
		`, ours.Key, &cycled)
		if _, err := s.store.Load(ctx, ours.Key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("cycled by Django: %v", err)
		}
		r, err = s.store.Load(ctx, cycled)
		if err != nil || fixture.JSON(t, r.Values) != `{"a":1,"b":2}` {
			t.Fatalf("%v, %v", r, err)
		}
		s.Do(t, `SessionStore(args).flush()`, cycled, nil)
		if _, err := s.store.Replace(ctx, r, fixture.Values(t, `{}`), time.Time{}); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("flushed by Django: %v", err)
		}

		// Ended by Go.
		var exists bool
		for _, end := range []func(r *djsession.Record) error{
			func(r *djsession.Record) error { return s.store.Delete(ctx, r.Key) },
			func(r *djsession.Record) error { return s.store.DeleteUnchanged(ctx, r) },
		} {
			ended := create(t, s.store, "", `{}`)
			if err := end(ended); err != nil {
				t.Fatal(err)
			}
			if s.Do(t, `result = SessionStore().exists(args)`, ended.Key, &exists); exists {
				t.Error("Django still has a deleted session")
			}
		}
		dead := create(t, s.store, "", `{"a":1,"_session_expiry":-1}`)
		if s.Do(t, `result = "a" in SessionStore(args)`, dead.Key, &exists); exists {
			t.Error("Django has an expired session")
		}
		// A change that Django tries to save afterwards is refused there.
		late := create(t, s.store, "", `{"a":1}`)
		s.Do(t, `late = SessionStore(args); late["b"] = 2`, late.Key, nil)
		if err := s.store.Delete(ctx, late.Key); err != nil {
			t.Fatal(err)
		}
		var exception *djangotest.PythonError
		if err := s.Try(`late.save()`, nil, nil); !errors.As(err, &exception) || !strings.Contains(err.Error(), "UpdateError") {
			t.Errorf("%v", err)
		}
	})
}

// looks is Python's side of the tests that compare what is live: as clear_expired
// it does not make a new session for one that has ended.
const looks = `
	import os
	def now_at(micros):
		at = datetime.datetime.fromtimestamp(micros // 10**6, datetime.timezone.utc if settings.USE_TZ else None).replace(microsecond=micros % 10**6)
		timezone.now = lambda: at
	def look(key):
		s = SessionStore(key)
		s.create = lambda: None
		try:
			data = s.load()
		except Exception as e:
			return "error: %s" % type(e).__name__
		if not os.path.lexists(s._key_to_file(key)):
			return "dead"
		return "live: %r" % (sorted(data.items(), key=repr),)
`

// A session ends for Go when it ends for Django, to the microsecond.
func TestExpiryIsDjangos(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		for _, zone := range []struct {
			useTZ bool
			now   time.Time
		}{
			{true, time.Date(2027, 6, 1, 12, 0, 0, 123456000, time.UTC)},
			{false, time.Date(2027, 6, 1, 12, 0, 0, 123456000, time.UTC)},
			{false, time.Date(2027, 10, 31, 0, 45, 0, 0, time.UTC)}, // 2:45 for the first time
			{false, time.Date(2027, 10, 31, 1, 15, 0, 0, time.UTC)}, // 2:15 for the second time
			{false, time.Date(2027, 3, 28, 1, 15, 0, 0, time.UTC)},  // 3:15, half an hour after 1:45
		} {
			s := newSite(t, version, zone.useTZ, "Europe/Warsaw")
			s.settings.Now = func() time.Time { return zone.now }
			s.store = open(t, filestore.Config{Dir: s.store.Dir(), Settings: s.settings})
			s.Do(t, looks, nil, nil)
			s.Do(t, `now_at(args)`, zone.now.UnixMicro(), nil)
			s.expiryAgrees(t, zone.now)
		}
	})
}

func (s *site) expiryAgrees(t *testing.T, now time.Time) {
	const age = 1209600 * time.Second
	var modTimes []time.Time
	for _, left := range []time.Duration{
		age, age + time.Hour, 0, -time.Hour, -age, time.Hour, 45 * time.Minute, 75 * time.Minute,
		time.Second - time.Microsecond, time.Second, time.Second + time.Microsecond, time.Second - time.Nanosecond, time.Second - 400, time.Second - 600, 1234567891,
	} {
		modTimes = append(modTimes, now.Add(left-age))
	}
	expiries := []string{
		"", "null", "0", "0.0", "-0.0", "-0", "false", "true", `""`, "[]", "{}", "1", "300", "1e300", "0.5", "-0.5", "-5", "NaN", "Infinity", "-Infinity",
		"1" + strings.Repeat("0", 30), "-1" + strings.Repeat("0", 30), `"soon"`, "[1]", `{"a":1}`, `"0"`,
	}
	loc, err := s.settings.Location()
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []time.Duration{-time.Hour, 0, time.Second - time.Microsecond, time.Second, time.Hour} {
		end := now.Add(left)
		expiries = append(expiries, end.UTC().Format(`"2006-01-02T15:04:05.000000+00:00"`), end.In(loc).Format(`"2006-01-02T15:04:05.000000"`))
	}
	n := 0
	compare := func(expiry string, modTime time.Time) {
		n++
		key := fmt.Sprintf("session%08d", n)
		json := `{"x":1}`
		if expiry != "" {
			json = `{"x":1,"_session_expiry":` + expiry + `}`
		}
		put(t, s.store, key, sign(t, s.settings, json), modTime)
		r, err := s.store.Load(t.Context(), key)
		ours := ""
		switch {
		case err == nil:
			ours = "live"
		case errors.Is(err, djsession.ErrNotFound):
			ours = "dead"
		case errors.Is(err, djsession.ErrInvalidExpiry):
			ours = "error"
		}
		var micros int64
		if r != nil && r.Expires != djsession.Never {
			s.Do(t, `
				s = SessionStore(args["key"])
				end = s._expiry_date({})
				if args["expiry"]:
					end = datetime.datetime.fromisoformat(args["expiry"])
				d = end - datetime.datetime(1970, 1, 1, tzinfo=end.tzinfo and datetime.timezone.utc)
				result = (d.days * 86400 + d.seconds) * 10**6 + d.microseconds
			`, map[string]any{"key": key, "expiry": instantIn(expiry)}, &micros)
			expires := r.Expires
			if !s.settings.UseTZ {
				expires = pytime.Wall(expires, loc)
			}
			if expires.UnixMicro() != micros {
				t.Errorf("%s, written %v: expires %v, in Django %v", expiry, modTime, r.Expires, time.UnixMicro(micros).UTC())
			}
		}
		var theirs string
		s.Do(t, `result = look(args)`, key, &theirs)
		if theirs, _, _ = strings.Cut(theirs, ":"); ours != theirs {
			t.Errorf("_session_expiry %s, written %v, now %v: %s here (%v), %s in Django", expiry, modTime, now, ours, err, theirs)
		}
		os.Remove(path(s.store, key))
	}
	for _, modTime := range modTimes {
		compare("", modTime)
		compare("0", modTime)
	}
	for _, expiry := range expiries {
		compare(expiry, now.Add(-time.Minute))
		compare(expiry, now.Add(-2*age))
	}
}

// instantIn is the text of an expiry that is one, or "".
func instantIn(expiry string) string {
	if strings.HasPrefix(expiry, `"2`) {
		return strings.Trim(expiry, `"`)
	}
	return ""
}

// The expiry that the caller gives is stored as the file's time, if that sets the session's end.
func TestGivenExpiry(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		for _, useTZ := range []bool{true, false} {
			s := newSite(t, version, useTZ, "America/St_Johns")
			expires := time.Now().Add(5 * 24 * time.Hour).Truncate(time.Microsecond)
			r := create(t, s.store, "", `{}`)
			for _, json := range []string{`{"a":1}`, `{"a":1,"_session_expiry":0}`} {
				var err error
				if r, err = s.store.Replace(t.Context(), r, fixture.Values(t, json), expires); err != nil || !r.Expires.Equal(expires) {
					t.Fatalf("%v, %v", r, err)
				}
				var micros int64
				s.Do(t, `
					end = SessionStore(args)._expiry_date({})
					if timezone.is_naive(end):
						end = timezone.make_aware(end, timezone.get_default_timezone())
					d = end - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
					result = (d.days * 86400 + d.seconds) * 10**6 + d.microseconds
				`, r.Key, &micros)
				if micros != expires.UnixMicro() {
					t.Errorf("%s: in Django until %v, given was %v", json, time.UnixMicro(micros), expires)
				}
			}
			// Elsewhere it has no place, and the record says so.
			if r, err := s.store.Replace(t.Context(), r, fixture.Values(t, `{"_session_expiry":60}`), expires); err != nil || r.Expires != djsession.Never {
				t.Errorf("%v, %v", r, err)
			}
			// Dead is dead.
			dead, err := s.store.Create(t.Context(), "", nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.store.Load(t.Context(), dead.Key); !errors.Is(err, djsession.ErrNotFound) {
				t.Errorf("%v", err)
			}
		}
	})
}

// A file that Django cannot read, or reads as an empty session, is an error. Go reads every file
// that Django can read.
func TestOddFilesInDjango(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		s := newSite(t, version, true, "UTC")
		s.Do(t, looks, nil, nil)
		good := sign(t, s.settings, `{"x":1}`)
		other := fixture.Settings(t, version)
		other.SecretKey = "another"
		files := map[string][]byte{
			"good":         good,
			"empty":        {},
			"newline":      append(slices.Clone(good), '\n'),
			"crlf":         append(slices.Clone(good), "\r\n"...),
			"space":        append([]byte(" "), good...),
			"truncated":    good[:len(good)-3],
			"half":         good[:len(good)/2],
			"nul":          append(slices.Clone(good), 0),
			"zeros":        make([]byte, 64),
			"not ascii":    append(slices.Clone(good), 0xe9),
			"utf-8":        append([]byte("\xc3\xa9"), good...),
			"another key":  sign(t, other, `{"x":1}`),
			"text":         []byte("hello"),
			"empty object": sign(t, s.settings, `{}`),
		}
		if version == "3.2" {
			files["legacy"] = sign(t, fixture.Settings(t, "2.2"), `{"x":1}`)
		}
		n := 0
		for name, content := range files {
			n++
			key := fmt.Sprintf("session%08d", n)
			put(t, s.store, key, content, time.Now())
			r, err := s.store.Load(t.Context(), key)
			var payload *djsession.PayloadError
			if err != nil && !errors.As(err, &payload) {
				t.Errorf("%s: %v", name, err)
			}
			var theirs string
			s.Do(t, `result = look(args)`, key, &theirs)
			if err == nil && name != "empty" && name != "empty object" {
				if theirs != "live: [('x', 1)]" {
					t.Errorf("%s: read here as %s, in Django %s", name, fixture.JSON(t, r.Values), theirs)
				}
			} else if err == nil {
				if theirs != "live: []" || r.Values.Len() > 0 || name == "empty" && (r.Expires != djsession.Never || r.Origin != djsession.Origin{}) {
					t.Errorf("%s: read here as %+v, in Django %s", name, r, theirs)
				}
			} else if theirs != "live: []" && !strings.HasPrefix(theirs, "error") {
				t.Errorf("%s: %v, in Django %s", name, err, theirs)
			}
		}
	})
}

// An empty file is a session that Django is about to fill.
func TestSessionBeingBorn(t *testing.T) {
	s, ctx := newSite(t, djangotest.Newest, true, "UTC"), t.Context()
	var key string
	s.Do(t, `
		import os
		from unittest import mock
		born = SessionStore()
		born["a"] = 1
		with mock.patch("tempfile.mkstemp", side_effect=OSError):  # which save() passes over
			born.save()
		result = born.session_key
	`, nil, &key)
	r, err := s.store.Load(ctx, key)
	if err != nil || r.Values.Len() != 0 {
		t.Fatalf("%v, %v", r, err)
	}
	s.Do(t, `born.save()`, nil, nil)
	_, err = s.store.Replace(ctx, r, fixture.Values(t, `{"b":2}`), time.Time{})
	var conflict *djsession.ConflictError
	if !errors.As(err, &conflict) || fixture.JSON(t, conflict.Current.Values) != `{"a":1}` {
		t.Errorf("%v", err)
	}
	// What is written in its place is as private as any session.
	put(t, s.store, "placeholder", nil, time.Now())
	if err := os.Chmod(path(s.store, "placeholder"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := djsession.Update(ctx, s.store, "placeholder", edit.Set("a", 1)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path(s.store, "placeholder")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// Load leaves expired sessions to clearsessions, and that leaves live ones, and
// passes over the temporary file of a process that died.
func TestClearSessions(t *testing.T) {
	onEachDjango(t, func(t *testing.T, version string) {
		s := newSite(t, version, true, "UTC")
		live := create(t, s.store, "", `{"a":1}`)
		dead := create(t, s.store, "", `{"_session_expiry":-5}`)
		if _, err := s.store.Load(t.Context(), dead.Key); !errors.Is(err, djsession.ErrNotFound) {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(path(s.store, dead.Key)); err != nil {
			t.Errorf("Load removed an expired session: %v", err)
		}
		left := path(s.store, live.Key) + "_out_abcdefgh"
		if err := os.WriteFile(left, sign(t, s.settings, `{}`), 0o600); err != nil {
			t.Fatal(err)
		}
		s.Do(t, `
			from django.core.management import call_command
			call_command("clearsessions")
		`, nil, nil)
		entries, err := filepath.Glob(filepath.Join(s.store.Dir(), "*"))
		if want := []string{path(s.store, live.Key), left}; err != nil || !slices.Equal(entries, want) {
			t.Errorf("left are %q", entries)
		}
		found, bad := scan(t, s.store, djsession.Range{Expired: true})
		if len(found) != 1 || len(bad) != 0 {
			t.Errorf("scan: %q, %q", found, bad)
		}
	})
}
