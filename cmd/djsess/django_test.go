package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// liveSite is a live Django, and a folder with a djsess.toml that names its store.
type liveSite struct {
	*djangotest.Django
	dir string
}

func newSite(t *testing.T, version string, db djangotest.Database, useTZ bool) *liveSite {
	t.Helper()
	const zone = "Europe/Warsaw"
	django := djangotest.Start(t, version, djangotest.Settings{
		"DATABASES": db.Settings(), "USE_TZ": useTZ, "TIME_ZONE": zone,
	})
	django.Do(t, `migrate()`, nil, nil)
	s := &liveSite{django, t.TempDir()}
	config := fmt.Sprintf("store = %q\n[settings]\nDJANGO_VERSION = %q\nUSE_TZ = %v\nTIME_ZONE = %q\n", db.URL, version, useTZ, zone)
	if err := os.WriteFile(filepath.Join(s.dir, "djsess.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// djsess runs the command in the site's folder.
func (s *liveSite) djsess(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("djsess", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "DJANGO_SECRET_KEY="+djangotest.SecretKey)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("djsess %s: %v\n%s", args[0], err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// The main job, with each Django on each database: it writes, djsess changes one
// value, it reads; and the other way.
func TestRoundTripWithDjango(t *testing.T) {
	for _, kind := range djangotest.Databases() {
		versions := djangotest.OldestAndNewest()
		if kind.Kind == "sqlite" {
			versions = djangotest.Djangos()
		}
		for _, version := range versions {
			for _, useTZ := range []bool{true, false} {
				if testing.Short() && !useTZ {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/USE_TZ=%v", version, kind.Kind, useTZ), func(t *testing.T) {
					t.Parallel()
					s := newSite(t, version, kind.New(t), useTZ)
					s.Do(t, pythonHelpers, nil, nil)
					t.Run("Django writes", s.djangoWrites)
					t.Run("Go writes", s.goWrites)
				})
			}
		}
	}
}

// pythonHelpers are Python functions that show a session for both directions. Their repr shows types,
// order, and what JSON cannot.
const pythonHelpers = `
	ODD = {
		"before": "\u017c\u00f3\u0142\u0107 \U0001f600 \ud800 \x00\x7f", "float": 1.0, "int": 1, "zero": -0.0, "nan": float("nan"), "inf": float("-inf"),
		"big": 2 ** 200, "small": 5e-324, "true": True, "none": None, "change": {"z": 1, "a": 2}, "nested": {"z": [1.0, {"b": 1e16, "a": []}], "": {}},
		"2": "number", "list": [[], {}, "", 0.1 + 0.2], "after": "x" * 300,
	}
	def items(key):
		return [repr(item) for item in SessionStore(key).items()]
	def on_time(key, start, end):
		"""Whether expire_date is what a save between two moments sets."""
		s = SessionStore(key)
		at = Session.objects.get(session_key=key).expire_date
		return s.get_expiry_date(modification=start) <= at <= s.get_expiry_date(modification=end)
`

func (s *liveSite) djangoWrites(t *testing.T) {
	expiries := []string{"None", "3600", "0", "0.5 + 86400 * 400", "timezone.now().replace(microsecond=0) + datetime.timedelta(days=300)"}
	if !djangotest.AtLeast(s.Version, "4.1") {
		expiries = expiries[:4] // a time in a session needs pickle there
	}
	for _, expiry := range expiries {
		var key string
		s.Do(t, `
			s = SessionStore()
			s.update(ODD)
			s.set_expiry(`+expiry+`)
			s.save()
			before = items(s.session_key)
			row = Session.objects.get(session_key=s.session_key)
			row.expire_date -= datetime.timedelta(seconds=30)  # as if saved a while ago
			row.save()
			start = timezone.now()
			result = s.session_key
		`, nil, &key)
		if out := s.djsess(t, "set", key, `change:={"price": 9.50, "note": "zażółć"}`); out != "" {
			t.Errorf("set prints %q", out)
		}
		var got struct {
			Before, After []string
			OnTime        bool
		}
		s.Do(t, `
			end = timezone.now()
			result = {"Before": before, "After": items(args), "OnTime": on_time(args, start, end)}
		`, key, &got)
		if len(got.Before) != len(got.After) || len(got.After) < 15 {
			t.Fatalf("before %q, after %q", got.Before, got.After)
		}
		for i, before := range got.Before {
			want := before
			if strings.HasPrefix(before, "('change',") {
				want = `('change', {'price': 9.5, 'note': 'zażółć'})`
			}
			if got.After[i] != want {
				t.Errorf("set_expiry(%s): Django has %s, want %s", expiry, got.After[i], want)
			}
		}
		if !got.OnTime {
			t.Errorf("set_expiry(%s): expire_date is not what Django would have set", expiry)
		}
	}
}

func (s *liveSite) goWrites(t *testing.T) {
	s.Do(t, `start = timezone.now()`, nil, nil)
	key := s.djsess(t, "create", "text=zażółć \U0001f600", `json:={"z": 1.0, "a": [NaN, 12345678901234567890]}`, "n:=1")
	var got struct {
		Items  []string
		OnTime bool
	}
	s.Do(t, `
		result = {"Items": items(args), "OnTime": on_time(args, start, timezone.now())}
		s = SessionStore(args)
		s["n"] += 1
		s["django"] = "ź"
		s.save()
	`, key, &got)
	want := []string{"('text', 'zażółć \U0001f600')", "('json', {'z': 1.0, 'a': [nan, 12345678901234567890]})", "('n', 1)"}
	if strings.Join(got.Items, "\n") != strings.Join(want, "\n") || !got.OnTime {
		t.Errorf("Django has %q, on time: %v", got.Items, got.OnTime)
	}
	const stored = `{"text":"za\u017c\u00f3\u0142\u0107 \ud83d\ude00","json":{"z":1.0,"a":[NaN,12345678901234567890]},"n":2,"django":"\u017a"}`
	if raw := s.djsess(t, "get", key, "--raw"); raw != stored {
		t.Errorf("stored is %s", raw)
	}
	var object struct {
		Key  string
		Data map[string]any
	}
	if err := json.Unmarshal([]byte(s.djsess(t, "get", key[:8], "-o", "json")), &object); err != nil || object.Key != key || object.Data["django"] != "ź" {
		t.Errorf("get -o json: %+v, %v", object, err)
	}

	dying := s.djsess(t, "create", "--expires", "2h", "x=1")
	var live, onTime bool
	s.Do(t, `result = SessionStore(args).get("x") == "1"`, dying, &live)
	s.Do(t, `result = on_time(args, start, timezone.now()) and SessionStore(args).get_expiry_age() == 7200`, dying, &onTime)
	if !live || !onTime {
		t.Errorf("--expires 2h: live in Django: %v, until when it should: %v", live, onTime)
	}
	s.djsess(t, "unset", key, "json", "text")
	var left []string
	if s.Do(t, `result = items(args)`, key, &left); strings.Join(left, " ") != "('n', 2) ('django', 'ź')" {
		t.Errorf("after unset Django has %q", left)
	}
	s.djsess(t, "delete", key)
	var exists bool
	if s.Do(t, `result = SessionStore().exists(args)`, key, &exists); exists {
		t.Error("Django still has a deleted session")
	}
}
