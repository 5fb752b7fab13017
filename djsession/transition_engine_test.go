package djsession_test

import (
	"os"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// pythonTransition has what the tests of transition.py share. phase(n) makes the engine what a worker in another
// phase has.
const pythonTransition = `
	import importlib, time, transition
	from django.test.utils import override_settings
	from django.contrib.sessions.backends.base import UpdateError

	def phase(n, **changes):
		with override_settings(SESSION_TRANSITION=dict(settings.SESSION_TRANSITION, phase=n, **changes)):
			return importlib.reload(transition)

	def new(**values):
		s = transition.SessionStore()
		s.update(values)
		s.save()
		return s.session_key

	def both(key):
		return [transition.OLD.load(key), transition.NEW.load(key)]

	def once(side, name, action):
		"""Have something happen before the next call of a method."""
		method = getattr(side, name)
		def call(*args, **kwargs):
			delattr(side, name)
			action()
			return method(*args, **kwargs)
		setattr(side, name, call)
`

// startTransition starts a Django in phase 2 of a move from its database to a folder or, of pickles, to a cache.
func startTransition(t *testing.T, version string, changes map[string]any) (d *djangotest.Django, dir string) {
	t.Helper()
	db, dir := djangotest.SQLite(t), t.TempDir()
	transition := map[string]any{"old": dbBackend, "new": fileBackend, "phase": 2}
	for name, value := range changes {
		transition[name] = value
	}
	d = djangotest.Start(t, version, djangotest.Settings{
		"DATABASES": db.Settings(), "CACHES": djangotest.Caches(databaseCache), "SESSION_FILE_PATH": dir,
		"SESSION_ENGINE": "transition", "SESSION_TRANSITION": transition,
	})
	d.Do(t, "migrate(); "+createCacheTable, nil, nil)
	d.Do(t, pythonTransition, nil, nil)
	return d, dir
}

// What happens between the steps of a save or of a logout leaves both engines alike.
func TestTransitionEngineRaces(t *testing.T) {
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d, _ := startTransition(t, version, nil)
			for _, test := range []struct{ name, code, want string }{
				{"a logout before the copy", `once(copies, "put", lambda: store(key).delete()); save(1)`, "[None, None]"},
				{"a logout before the first copy", `copies.delete(key); once(copies, "put", lambda: store(key).delete()); save(1)`, "[None, None]"},
				{"a save before the copy", `once(copies, "put", lambda: save(2)); save(1)`, "[{'n': 2}, {'n': 2}]"},
				{"a save whose worker ends before the copy", `once(copies, "put", lambda: decider.save(key, {"n": 2})); save(1)`, "[{'n': 2}, {'n': 2}]"},
				{"a save in a logout", `once(decider, "delete", lambda: save(1)); store(key).delete()`, "[None, None]"},
				{"a session that is deleted meanwhile", `
s = store(key); s["n"] = 1; store(key).delete()
try:
	s.save()
except UpdateError:
	pass
else:
	raise AssertionError("it was saved")`, "[None, None]"},
				{"a session that has expired", `s = store(key); s.set_expiry(-5); s.save()`, "[None, None]"},
				{"values that do not equal themselves", `save(float("nan"))`, "[{'n': nan}, {'n': nan}]"},
			} {
				for _, phase := range phases[1:] {
					var got string
					err := d.Try(`
						phase(args["phase"])
						decider, copies = transition.READERS[0], transition.other(transition.READERS[0])
						store = transition.SessionStore
						def save(n):
							s = store(key)
							s["n"] = n
							s.save()
						key = new(n=0)
						exec(args["code"])
						result = repr(both(key))
					`, map[string]any{"phase": phase, "code": test.code}, &got)
					if err != nil || got != test.want {
						t.Errorf("phase %d: %s: the engines hold %s, want %s (%v)", phase, test.name, got, test.want, err)
					}
				}
			}
		})
	}
}

// What one engine does that the other does not.
func TestTransitionEngineOddities(t *testing.T) {
	djangotest.NotShort(t, "TestTransitionEngineRaces starts Djangos")
	for _, version := range djangotest.OldestAndNewest() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d, dir := startTransition(t, version, nil)

			// The engine "file" stores a new session when it loads one that has expired.
			d.Do(t, `
				phase(4)
				key = new(n=0)
				__import__("os").utime(transition.NEW.store(key)._key_to_file(), (0, 0))
				s = transition.SessionStore(key)
				assert s.get("n") is None and s.session_key is None, s.session_key
			`, nil, nil)
			if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
				t.Errorf("the folder holds %v (%v)", files, err)
			}

			// The phase that follows on workers which know only the old engine makes no copies.
			d.Do(t, `
				phase(1)
				key = new(n=1)
				assert both(key) == [{"n": 1}, None], both(key)
				transition.NEW.put(key, {"n": 0})
				s = transition.SessionStore(key); s["n"] = 2; s.save()
				assert both(key) == [{"n": 2}, {"n": 2}], both(key)
			`, nil, nil)

			// A session of which there is no copy yet.
			d.Do(t, `
				phase(1)
				key = new(n=1)
				phase(4)
				assert transition.SessionStore(key).get("n") is None
				phase(3)
				s = transition.SessionStore(key)
				assert s["n"] == 1 and s.exists(key)
				s["n"] = 2
				s.save()
				assert both(key) == [{"n": 2}, {"n": 2}], both(key)
				s.cycle_key()
				assert both(key) == [None, None] and both(s.session_key) == [{"n": 2}, {"n": 2}]
				old = s.session_key
				s.flush()
				assert both(old) == [None, None] and s.session_key is None
			`, nil, nil)

			// What JSON cannot hold stays in the cache alone, and an old copy does not.
			d.Do(t, `
				phase(2, old="django.contrib.sessions.backends.cache", new="django.contrib.sessions.backends.db")
				key = new(n=1)
				s = transition.SessionStore(key); s["at"] = datetime.date(2030, 1, 1); s.save()
				assert both(key) == [{"n": 1, "at": datetime.date(2030, 1, 1)}, None], both(key)
				phase(3, old="django.contrib.sessions.backends.cache", new="django.contrib.sessions.backends.db")
				assert transition.SessionStore(key)["n"] == 1
				s = transition.SessionStore(key); del s["at"]; s[1] = (2,); s.save()
				assert both(key) == [{"n": 1, 1: (2,)}, {"n": 1, "1": [2]}], both(key)
			`, nil, nil)

			// clearsessions clears both.
			d.Do(t, `
				phase(2)
				from django.core.management import call_command
				key = new(n=1)
				Session.objects.update(expire_date=timezone.now() - datetime.timedelta(days=1))
				call_command("clearsessions")
				assert not Session.objects.exists()
			`, nil, nil)

			if djangotest.AtLeast(version, "5.1") {
				d.Do(t, `
					phase(2)
					from asgiref.sync import async_to_sync
					async def use():
						s = transition.SessionStore()
						await s.aset("n", 1)
						await s.asave()
						old = s.session_key
						await s.acycle_key()
						assert (await transition.SessionStore(s.session_key).aget("n")) == 1
						assert not await s.aexists(old)
						return s.session_key
					key = async_to_sync(use)()
					assert both(key) == [{"n": 1}, {"n": 1}], both(key)
					async_to_sync(transition.SessionStore(key).aflush)()
					assert both(key) == [None, None], both(key)
				`, nil, nil)
			}
		})
	}
}

// Wrong settings are refused before a session is touched.
func TestTransitionEngineSettings(t *testing.T) {
	d, _ := startTransition(t, djangotest.Newest, nil)
	const cache = "django.contrib.sessions.backends.cache"
	for name, test := range map[string]struct {
		transition any
		routers    []string
		want       string
	}{
		"none":                    {nil, nil, "must be a dict"},
		"no phase":                {map[string]any{"old": dbBackend, "new": cache}, nil, "'phase' must be"},
		"a phase that is no more": {map[string]any{"old": dbBackend, "new": cache, "phase": 5}, nil, "not 5"},
		"no new engine":           {map[string]any{"old": dbBackend, "phase": 1}, nil, "'new' must be the path"},
		"itself":                  {map[string]any{"old": dbBackend, "new": "transition", "phase": 1}, nil, "'new' must be the path"},
		"a name that is misspelt": {map[string]any{"old": dbBackend, "new": cache, "phase": 1, "new_cache": "x"}, nil, "unknown: 'new_cache'"},
		"signed_cookies": {map[string]any{"old": dbBackend, "new": "django.contrib.sessions.backends.signed_cookies", "phase": 1}, nil,
			"cannot be moved"},
		"one engine":                {map[string]any{"old": cache, "new": cache, "new_cache_alias": "default", "phase": 1}, nil, "the same engine"},
		"a cache of a database":     {map[string]any{"old": dbBackend, "new": cache, "old_cache_alias": "default", "phase": 1}, nil, "has no cache"},
		"a database of a cache":     {map[string]any{"old": dbBackend, "new": cache, "new_database": "default", "phase": 1}, nil, "not in a database"},
		"no router":                 {map[string]any{"old": dbBackend, "new": dbBackend, "new_database": "default", "phase": 1}, nil, "must begin with 'transition.Router'"},
		"a router before":           {map[string]any{"old": dbBackend, "new": dbBackend, "new_database": "default", "phase": 1}, []string{"types.SimpleNamespace", "transition.Router"}, "must begin with"},
		"right":                     {map[string]any{"old": dbBackend, "new": dbBackend, "new_database": "default", "phase": 1}, []string{"transition.Router"}, ""},
		"another cache":             {map[string]any{"old": cache, "new": cache, "new_cache_alias": "other", "phase": 1}, nil, ""},
		"cached_db on its own rows": {map[string]any{"old": dbBackend, "new": cachedDBBackend, "phase": 1}, nil, ""},
	} {
		err := d.Try(`
			with override_settings(SESSION_TRANSITION=args["transition"], DATABASE_ROUTERS=args["routers"] or []):
				transition.configure()
		`, map[string]any{"transition": test.transition, "routers": test.routers}, nil)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "ImproperlyConfigured") || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
