package ops_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/signing"
)

// beside starts another Django on the database of a site.
func (s *site) beside(t *testing.T, version string, db djangotest.Database, more djangotest.Settings) *site {
	t.Helper()
	settings := djangotest.Settings{"DATABASES": db.Settings(), "USE_TZ": true}
	for name, value := range more {
		settings[name] = value
	}
	other := &site{Django: djangotest.Start(t, version, settings), version: version, storeURL: db.URL}
	other.Do(t, sessionCode, nil, nil)
	return other
}

// openAs opens a store with settings, and its users.
func openAs(t *testing.T, storeURL, version string, change func(*djsession.Settings)) (storeurl.Store, *djauth.Auth) {
	t.Helper()
	settings, err := djsession.NewSettings(version, djangotest.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	settings.UseTZ = true
	if change != nil {
		change(settings)
	}
	store, err := storeurl.Open(storeURL, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if _, ok := store.(djsession.SQLStore); !ok {
		return store, nil
	}
	return store, authOf(t, store)
}

func authOf(t *testing.T, store djsession.Store) *djauth.Auth {
	t.Helper()
	users, err := djauth.UsersIn(store, djauth.UserModel{})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := djauth.New(users)
	if err != nil {
		t.Fatal(err)
	}
	return auth
}

// loggedIn counts the sessions whose user a Django knows.
func loggedIn(sessions []*djangoSession) (n int) {
	for _, s := range sessions {
		if s != nil && s.User > 0 {
			n++
		}
	}
	return n
}

var authHash = regexp.MustCompile(`"_auth_user_hash": "[0-9a-f]+"`)

// sameButHashes is sameSessions without the session auth hashes: whether those are right, shows in who is logged in.
func sameButHashes(t *testing.T, want []djangoSession, got []*djangoSession) {
	t.Helper()
	want = slices.Clone(want)
	for i := range want {
		want[i].Values = authHash.ReplaceAllString(want[i].Values, `"_auth_user_hash": "…"`)
		if got[i] != nil {
			got[i].Values = authHash.ReplaceAllString(got[i].Values, `"_auth_user_hash": "…"`)
		}
	}
	sameSessions(t, want, got)
}

func keepsAll(t *testing.T) ops.Job {
	return ops.Job{Found: func(f ops.Finding) { t.Error(f) }}
}

const converted = 60 // sessions in a test; a third of them are logins

// Sessions of Django 2.2 are converted while the site runs 3.2. Then the newest Django has all values and knows all users, whom it
// did not know before. Converted back, Django 2.2 has and knows them again.
func TestConvertReleases(t *testing.T) {
	djangotest.NotShort(t, "it starts three Djangos")
	t.Parallel()
	db := djangotest.SQLite(t)
	first := newSite(t, engine{start: func(*testing.T) (djangotest.Settings, string, string) {
		return djangotest.Settings{"DATABASES": db.Settings()}, db.URL, ""
	}}, djangotest.Versions[0], nil)
	want := first.make(t, false, converted)
	middle, last := first.beside(t, "3.2", db, nil), first.beside(t, djangotest.Newest, db, nil)
	if n := loggedIn(last.read(t, want)); n > 0 {
		t.Fatalf("before: Django %s knows the users of %d sessions", last.version, n)
	}

	store, auth := openAs(t, db.URL, "3.2", nil)
	options := ops.Conversion{Job: keepsAll(t), Auth: auth}
	// Until a session of 3.2 is there, nothing shows that the site runs it.
	if report, err := ops.Convert(t.Context(), store, options); !errors.Is(err, ops.ErrUnknownForm) || *report != (ops.ConversionReport{}) {
		t.Fatalf("without a session of 3.2: %+v, %v", report, err)
	}
	// The site's settings say that it still runs 2.2.
	options.Site, _ = djsession.NewSettings("2.2", djangotest.SecretKey)
	options.AcceptNewForm = true
	if _, err := ops.Convert(t.Context(), store, options); !errors.Is(err, ops.ErrSiteCannotRead) {
		t.Fatalf("a site that cannot read it: %v", err)
	}
	options.Site, options.AcceptNewForm = nil, false
	sameButHashes(t, want, first.read(t, want))

	middle.make(t, false, 1)
	const logins = converted / 3
	wantReport := ops.ConversionReport{Read: converted + 1, Converted: converted, Old: converted, Hashes: logins}
	options.DryRun = true
	if report, err := ops.Convert(t.Context(), store, options); err != nil || *report != wantReport {
		t.Fatalf("dry run: %+v, %v", report, err)
	}
	sameButHashes(t, want, first.read(t, want))
	options.DryRun = false
	if report, err := ops.Convert(t.Context(), store, options); err != nil || *report != wantReport {
		t.Fatalf("%+v, %v", report, err)
	}
	sameButHashes(t, want, middle.read(t, want))
	sameButHashes(t, want, last.read(t, want))
	if report, err := ops.Convert(t.Context(), store, options); err != nil || *report != (ops.ConversionReport{Read: converted + 1}) {
		t.Fatalf("second run: %+v, %v", report, err)
	}

	back, auth := openAs(t, db.URL, "3.2", func(s *djsession.Settings) {
		s.DefaultHashingAlgorithm, s.ReadBothForms = signing.SHA1, true
	})
	options = ops.Conversion{Job: keepsAll(t), Auth: auth, Earlier: store.Settings(), AcceptNewForm: true}
	wantReport = ops.ConversionReport{Read: converted + 1, Converted: converted + 1, Old: converted + 1, Hashes: logins + 1}
	if report, err := ops.Convert(t.Context(), back, options); err != nil || *report != wantReport {
		t.Fatalf("back: %+v, %v", report, err)
	}
	sameButHashes(t, want, first.read(t, want))
}

// readsRecipes puts the folder of the recipes on the path, for SESSION_SERIALIZER.
func (s *site) readsRecipes(t *testing.T) {
	t.Helper()
	folder, err := filepath.Abs("../../docs/moving")
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, `import sys; sys.path.insert(0, args)`, folder, nil)
}

// A site with pickles first gets a serializer that reads both and writes JSON. Then its pickles are converted, by the rules by which
// that serializer writes, and the newest Django reads them with its JSONSerializer.
func TestConvertPickles(t *testing.T) {
	djangotest.NotShort(t, "it starts three Djangos")
	t.Parallel()
	const last = "4.2" // the last one with a PickleSerializer
	db := djangotest.SQLite(t)
	pickles := newSite(t, engine{start: func(*testing.T) (djangotest.Settings, string, string) {
		return djangotest.Settings{"DATABASES": db.Settings()}, db.URL, ""
	}}, last, djangotest.Settings{"SESSION_SERIALIZER": "django.contrib.sessions.serializers.PickleSerializer"})
	want := pickles.make(t, true, converted)

	both := pickles.beside(t, last, db, djangotest.Settings{"SESSION_SERIALIZER": "serializer.JSONSerializer"})
	both.readsRecipes(t)
	sameSessions(t, want, both.read(t, want))
	var copies []djangoSession // as this serializer writes them
	both.Do(t, `
		result = []
		for key in args:
			values = SessionStore(key).load()
			s = SessionStore()
			s.update(values)
			s.save()
			result.append(read(s.session_key))
	`, keysOf(want), &copies)

	store, auth := openAs(t, db.URL, last, func(s *djsession.Settings) {
		s.SessionSerializer = djsession.Serializers{djsession.JSONSerializer{}, djsession.PickleSerializer{}}
	})
	report, err := ops.Convert(t.Context(), store, ops.Conversion{Job: keepsAll(t), Auth: auth})
	if err != nil || *report != (ops.ConversionReport{Read: 2 * converted, Converted: converted, Old: converted}) {
		t.Fatalf("%+v, %v", report, err)
	}
	newest := pickles.beside(t, djangotest.Newest, db, nil)
	sameSessions(t, want, newest.read(t, want))
	sameSessions(t, copies, newest.read(t, copies))
	for i, got := range newest.read(t, copies) {
		if got == nil || got.Values != want[i].Values {
			t.Fatalf("Go and the serializer convert session %d in different ways", i)
		}
	}
}

func keysOf(sessions []djangoSession) (keys []string) {
	for _, s := range sessions {
		keys = append(keys, s.Key)
	}
	return keys
}

// The serializer of the recipe reads in each Django what it wrote itself, and what JSON cannot hold is an error of the save.
func TestSerializer(t *testing.T) {
	djangotest.NotShort(t, "TestMigrate starts Djangos")
	for _, version := range djangotest.Djangos() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := &site{Django: djangotest.Start(t, version, djangotest.Settings{"USE_TZ": true, "SESSION_SERIALIZER": "serializer.JSONSerializer"})}
			s.readsRecipes(t)
			s.Do(t, sessionCode, nil, nil)
			var got struct {
				Values, Pickled, Expiry, Error string
			}
			s.Do(t, `
				import pickle
				from serializer import JSONSerializer
				class Cart: pass
				values = {}
				for kind in JSONABLE + PICKLED:
					values.update(kind)
				values.update({"days": {date(2031, 2, 3): 1, 2.5: 2, True: 3}})
				text = JSONSerializer().dumps(values)
				result = {"values": json.dumps(JSONSerializer().loads(text), sort_keys=True)}
				result["pickled"] = json.dumps(portable(JSONSerializer().loads(pickle.dumps({"pair": (1, 2)}))))
				s = SessionStore()
				s.set_expiry(timezone.now() + timedelta(seconds=500))
				expiry = SessionStore().decode(s.encode(s._session))["_session_expiry"]
				result["expiry"] = "text" if isinstance(expiry, str) else "seconds" if 490 < expiry <= 500 else repr(expiry)
				try:
					JSONSerializer().dumps({"cart": Cart()})
				except TypeError as e:
					result["error"] = str(e)
				class Skipping(JSONSerializer):
					def lost(self, name, value, error): return None
				assert Skipping().dumps({"cart": [Cart()], "a": 1}) == b'{"a":1}'
			`, nil, &got)
			for _, want := range []string{
				`"at": "2031-02-03T04:05:06.000007+00:00"`, `"price": "19.90"`, `"raw": "AP8="`, `"pair": [1, ["x"]]`, `"set": ["one"]`, `"keys": {"1": "one", "null": 2}`,
				`"days": {"2.5": 2, "2031-02-03": 1, "true": 3}`, `"half": "\ud800"`, `"delta": "-1 day, 0:00:03"`,
			} {
				if !strings.Contains(got.Values, want) {
					t.Errorf("no %s in %s", want, got.Values)
				}
			}
			wantExpiry := "text"
			if !djangotest.AtLeast(version, "4.1") {
				wantExpiry = "seconds"
			}
			if got.Pickled != `{"pair": [1, 2]}` || got.Expiry != wantExpiry || !strings.Contains(got.Error, `session value 'cart': JSON has no form for`) {
				t.Errorf("%+v", got)
			}
		})
	}
}
