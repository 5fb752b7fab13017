package ops_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// djangoSession is a session that a Django has made.
type djangoSession struct {
	Key    string  `json:"key"`
	Values string  `json:"values"` // as JSON, with the rules of a migration from pickle to JSON
	Ends   float64 `json:"ends"`   // in Unix seconds
	User   int     `json:"user"`   // the primary key of who is logged in, or 0
}

// sessionCode makes and reads sessions in Python.
const sessionCode = `
import base64, collections, decimal, uuid
from datetime import date, datetime as dt, time, timedelta, timezone as tz
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user

JSONABLE = [
	{}, {"cart": [1, 2.5, {"n": None}], "text": "za\u017c\u00f3\u0142\u0107 \U0001f600", "big": 2**200, "true": True},
	{"nan": float("nan"), "inf": float("-inf"), "nested": {"": [[], {}], "z": 1.0, "a": 1e16}}, {"half": "\ud800", "long": "x" * 9000},
]
PICKLED = [
	{"at": dt(2031, 2, 3, 4, 5, 6, 7, tz.utc), "naive": dt(2031, 2, 3), "day": date(2031, 2, 3), "time": time(4, 5), "delta": timedelta(days=-1, seconds=3)},
	{"price": decimal.Decimal("19.90"), "id": uuid.UUID(int=7), "raw": b"\x00\xff", "array": bytearray(b"a"), "pair": (1, ("x",))},
	{"set": {"one"}, "frozen": frozenset([2]), "deque": collections.deque([1, 2]), "ordered": collections.OrderedDict([("b", 1), ("a", 2)]), "keys": {1: "one", None: 2}},
]

def portable(o):
	if isinstance(o, dict):
		return {k: portable(v) for k, v in o.items()}
	if isinstance(o, (list, tuple, set, frozenset, collections.deque)):
		return [portable(v) for v in o]
	if isinstance(o, (dt, date, time)):
		return o.isoformat()
	if isinstance(o, (timedelta, decimal.Decimal, uuid.UUID)):
		return str(o)
	if isinstance(o, (bytes, bytearray)):
		return base64.b64encode(o).decode()
	return o

def make(pickled, n):
	for i in range(n):
		s = SessionStore()
		kinds = JSONABLE + (PICKLED if pickled else [])
		s.update(kinds[i % len(kinds)])
		user = 0
		if i % 3 == 0:
			user = i % 5 + 1
			s[SESSION_KEY] = str(user)
			s[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
			s[HASH_SESSION_KEY] = User.objects.get(pk=user).get_session_auth_hash()
		if i % 4 == 1:
			s.set_expiry(5000 + i)
		elif i % 4 == 2:
			s.set_expiry(0)
		elif i % 8 == 3:
			s.set_expiry(86400 * 400)
		s["i"] = i
		s.save()
		yield s.session_key

def read(key):
	s = SessionStore(key)
	values = s.load()
	if s.session_key != key:
		return None
	class request:
		session = s
	user = get_user(request)
	return {"key": key, "values": json.dumps(json.loads(json.dumps(portable(values))), sort_keys=True), "ends": ends(key, s), "user": user.pk or 0}

def ends(key, s):
	engine = settings.SESSION_ENGINE.rpartition(".")[2]
	if engine in ("db", "cached_db"):
		return Session.objects.get(pk=key).expire_date.timestamp()
	if engine == "file":
		if isinstance(s.get("_session_expiry"), int):
			return 0  # it never ends
		modified = s._last_modification()
		return s.get_expiry_date(modification=modified).timestamp()
	from django.core.cache import cache
	backend = settings.CACHES["default"]["BACKEND"]
	cache_key = cache.make_key(s.cache_key_prefix + key)
	now = timezone.now().timestamp()
	if "django_redis" in backend:
		return now + cache.pttl(s.cache_key_prefix + key) / 1000
	if "RedisCache" in backend:
		return now + cache._cache.get_client(cache_key).pttl(cache_key) / 1000
	if "DatabaseCache" in backend:
		from django.db import connection
		with connection.cursor() as c:
			c.execute("SELECT expires FROM site_cache WHERE cache_key = %s", [cache_key])
			return dt.fromisoformat(str(c.fetchone()[0])).replace(tzinfo=tz.utc).timestamp()
	import pickle
	with open(cache._key_to_file(s.cache_key_prefix + key), "rb") as f:
		return pickle.load(f)
`

func (s *site) make(t *testing.T, pickled bool, n int) []djangoSession {
	t.Helper()
	s.Do(t, sessionCode, nil, nil)
	var sessions []djangoSession
	s.Do(t, `result = [read(key) for key in make(*args)]`, []any{pickled, n}, &sessions)
	return sessions
}

func (s *site) read(t *testing.T, of []djangoSession) []*djangoSession {
	t.Helper()
	s.Do(t, sessionCode, nil, nil)
	var keys []string
	for _, m := range of {
		keys = append(keys, m.Key)
	}
	var sessions []*djangoSession
	s.Do(t, `result = [read(key) for key in args]`, keys, &sessions)
	return sessions
}

// sameSessions compares what two Djangos read. Redis counts from the moment of a write, and files have whole seconds.
func sameSessions(t *testing.T, want []djangoSession, got []*djangoSession) {
	t.Helper()
	wrong := 0
	for i, w := range want {
		g := got[i]
		switch {
		case g == nil:
			t.Errorf("session %d is missing", i)
		case g.Values != w.Values:
			t.Errorf("session %d: got\n%.500s, want\n%.500s", i, g.Values, w.Values)
		case g.User != w.User:
			t.Errorf("session %d: the user is %d, want %d", i, g.User, w.User)
		case g.Ends != 0 && w.Ends != 0 && (g.Ends < w.Ends-2 || g.Ends > w.Ends+2):
			t.Errorf("session %d ends %.1f seconds from when it should", i, g.Ends-w.Ends)
		default:
			continue
		}
		if wrong++; wrong == 5 {
			t.Fatal("and more")
		}
	}
}

// Sessions of a real Django are migrated, and another real Django reads them: the values, the logins and the expiries are the same.
func TestMigrate(t *testing.T) {
	covered := map[string][]string{ // what CI runs: every engine is once a source and once a target
		"PostgreSQL": {"RedisCache"}, "RedisCache": {"MariaDB"}, "MariaDB": {"SQLite"}, "SQLite": {"file"}, "file": {"django-redis"},
		"django-redis": {"cached_db"}, "cached_db": {"DatabaseCache"}, "DatabaseCache": {"PostgreSQL", "FileBasedCache"},
	}
	for _, source := range engines {
		if source.targetOnly {
			continue
		}
		for _, target := range engines {
			if !djangotest.Everything() && !slices.Contains(covered[source.name], target.name) {
				continue
			}
			if testing.Short() && (source.name != "SQLite" || target.name != "file") {
				continue
			}
			for _, pickled := range []bool{false, true} {
				if pickled && testing.Short() {
					continue // it needs an older Django
				}
				name := "JSON"
				if pickled {
					name = "pickles"
				}
				t.Run(source.name+" to "+target.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					testMigrate(t, source, target, pickled)
				})
			}
		}
	}
}

func testMigrate(t *testing.T, source, target engine, pickled bool) {
	const old = "4.2" // the last one with a PickleSerializer
	version, serializer := djangotest.Newest, djangotest.Settings{}
	if pickled {
		version, serializer = old, djangotest.Settings{"SESSION_SERIALIZER": "django.contrib.sessions.serializers.PickleSerializer"}
	}
	from, to := newSite(t, source, version, serializer), newSite(t, target, djangotest.Newest, nil)
	want := from.make(t, pickled, 200)
	// A site deletes items of these caches when there are too many.
	evicts := target.name == "FileBasedCache" || target.name == "DatabaseCache"
	if evicts {
		if _, err := ops.Migrate(t.Context(), from.store, to.store, ops.Migration{}); !errors.Is(err, ops.ErrEvicts) {
			t.Errorf("without Force: %v", err)
		}
	}
	report, err := ops.Migrate(t.Context(), from.store, to.store, ops.Migration{Force: evicts, Job: ops.Job{Found: func(f ops.Finding) {
		if !errors.Is(f.Err, ops.ErrShifted) {
			t.Error(f)
		}
	}}})
	if err != nil {
		t.Fatal(err)
	}
	wantReport := ops.MigrationReport{Read: 200, Inserted: 200}
	if target.name == "file" {
		wantReport.Shifted = 75 // those with an age of their own
	}
	if *report != wantReport {
		t.Errorf("%+v", report)
	}
	sameSessions(t, want, to.read(t, want))
	if target.targetOnly {
		return
	}
	equal, err := ops.Compare(t.Context(), from.store, to.store, ops.StopOnLoss, ops.Job{Found: func(f ops.Finding) { t.Error("Compare:", f) }})
	if err != nil || *equal != (ops.Comparison{Equal: 200}) {
		t.Errorf("Compare: %+v, %v", equal, err)
	}
	// A second run has nothing to do.
	report, err = ops.Migrate(t.Context(), from.store, to.store, ops.Migration{Force: evicts})
	if err != nil || *report != (ops.MigrationReport{Read: 200, Kept: 200}) {
		t.Errorf("second run: %+v, %v", report, err)
	}
}

// With a wrong SECRET_KEY on either side nothing is written.
func TestWrongSecret(t *testing.T) {
	from, to := newSite(t, engineOf(t, "SQLite"), djangotest.Newest, nil), newSite(t, engineOf(t, "file"), djangotest.Newest, nil)
	sessions := from.make(t, false, 150)
	right := from.settings.SecretKey
	run := func(source, target string) error {
		from.settings.SecretKey, to.settings.SecretKey = source, target
		from.open(t, from.storeURL, "")
		to.open(t, to.storeURL, "")
		_, err := ops.Migrate(t.Context(), from.store, to.store, ops.Migration{})
		return err
	}
	if err := run("wrong", right); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("of the source: %v", err)
	}
	if got := to.read(t, sessions); slices.ContainsFunc(got, func(m *djangoSession) bool { return m != nil }) {
		t.Error("something was written")
	}
	own := to.make(t, false, 1)
	if err := run(right, "wrong"); !errors.Is(err, djsession.ErrBadSignature) {
		t.Errorf("of the target: %v", err)
	}
	if got := to.read(t, sessions); slices.ContainsFunc(got, func(m *djangoSession) bool { return m != nil }) {
		t.Error("something was written")
	}
	sameSessions(t, own, to.read(t, own))
}
