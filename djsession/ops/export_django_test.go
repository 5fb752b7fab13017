package ops_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// exactCode reads sessions with all that a pickle can say: types, instances, and which values are one object.
const exactCode = `
import types
if args:
	PICKLED.append({"instance": types.SimpleNamespace(a=[1], b={2: (3,)}), "counter": collections.Counter("abca"), "class": dt})
	PICKLED.append((lambda one: {"a": one, "b": [one]})([{"x": 1.5}]))

def portable(values):
	shared = [n for n in values if isinstance(values[n], list) and values[n] and values[n][0] is values.get("a")]
	return repr((list(values.items()), shared))
`

// The sessions of a real Django are exported, deleted and imported: Django reads the same values of the same types, knows the
// same users, and each session has its payload byte for byte.
func TestExportOfDjango(t *testing.T) {
	djangotest.NotShort(t, "TestMigrate starts Djangos")
	for _, name := range []string{"SQLite", "file", "RedisCache", "django-redis", "cached_db"} {
		e := engineOf(t, name)
		for _, pickled := range []bool{false, true} {
			version, more, kind := djangotest.Newest, djangotest.Settings{}, "JSON"
			if pickled {
				kind, more["SESSION_SERIALIZER"] = "pickles", "django.contrib.sessions.serializers.PickleSerializer"
				version = djangotest.Versions[0]
				if e.pickles || name == "cached_db" {
					version = "4.2" // the oldest one with both kinds of Redis cache
				}
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				testExportOfDjango(t, newSite(t, e, version, more), pickled, e.pickles)
			})
		}
	}
}

func testExportOfDjango(t *testing.T, s *site, pickled, inCache bool) {
	s.Do(t, sessionCode, nil, nil)
	s.Do(t, exactCode, pickled, nil)
	var want []djangoSession
	s.Do(t, `result = [read(key) for key in make(*args)]`, []any{pickled, 60}, &want)
	var serializer djsession.Serializer = djsession.JSONSerializer{}
	if pickled || inCache {
		serializer = djsession.PickleSerializer{}
	}
	before := payloads(t, s.store, serializer)

	var b bytes.Buffer
	done, err := ops.Export(t.Context(), &b, s.store, ops.ExportOptions{Zstd: true})
	if err != nil || *done != (ops.ExportReport{Read: 60, Exported: 60}) {
		t.Fatalf("%+v, %v", done, err)
	}
	var keys []string
	for _, m := range want {
		keys = append(keys, m.Key)
		if err := s.store.Delete(t.Context(), m.Key); err != nil {
			t.Fatal(err)
		}
	}
	found := func(f ops.Finding) {
		if !errors.Is(f.Err, ops.ErrShifted) {
			t.Error(f)
		}
	}
	report, err := ops.Import(t.Context(), &b, s.store, ops.ImportOptions{Job: ops.Job{Found: found}})
	if err != nil || report.Inserted != 60 {
		t.Fatalf("%+v, %v", report, err)
	}

	after := payloads(t, s.store, serializer)
	for key, want := range before {
		if got := after[key]; got != want {
			t.Errorf("session %s: the payload is %.500q, want %.500q", key, got, want)
		}
	}
	var got []*djangoSession
	s.Do(t, `result = [read(key) for key in args]`, keys, &got)
	sameSessions(t, want, got)
}

// payloads returns the JSON or the pickle of each session.
func payloads(t *testing.T, s djsession.Store, serializer djsession.Serializer) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r, err := range s.(djsession.Scanner).Scan(t.Context(), djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		data, err := serializer.Append(nil, r.Values)
		if err != nil {
			t.Fatal(err)
		}
		all[r.Key] = string(data)
	}
	return all
}
