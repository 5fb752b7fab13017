package ops_test

import (
	"errors"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/djsession/storeurl"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

const newKey = "the new key of the site, which is not a secret either"

// After Rotate a Django without the fallback knows every user, and before it the same Django knows none. A cache has no signatures:
// there only the hashes count.
func TestRotate(t *testing.T) {
	djangotest.NotShort(t, "TestMigrate starts Djangos")
	for _, name := range []string{"SQLite", "PostgreSQL", "RedisCache", "cached_db"} {
		if name == "PostgreSQL" && !djangotest.Everything() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRotate(t, engineOf(t, name))
		})
	}
}

func testRotate(t *testing.T, e engine) {
	const n, logins = 60, 20
	place, storeURL, cacheURL := e.start(t)
	same := func(*testing.T) (djangotest.Settings, string, string) { return place, storeURL, cacheURL }
	at := func(key string, fallbacks ...string) *site {
		s := &site{version: djangotest.Newest, storeURL: storeURL}
		settings := djangotest.Settings{"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": append([]string{}, fallbacks...)}
		for name, value := range place {
			settings[name] = value
		}
		s.Django = djangotest.Start(t, djangotest.Newest, settings)
		s.Do(t, sessionCode, nil, nil)
		return s
	}
	old := newSite(t, engine{start: same}, djangotest.Newest, nil)
	want := old.make(t, false, n)
	withoutFallback := at(newKey)
	// It would end each session whose hash does not fit.
	withoutFallback.Do(t, `SessionStore.flush = lambda self: None`, nil, nil)
	if got := loggedIn(withoutFallback.read(t, want)); got > 0 {
		t.Fatalf("before: a Django without the fallback knows the users of %d sessions", got)
	}

	_, signs := old.store.(djsession.SQLStore)
	rotate := func(key string, dryRun, accept bool) (*ops.RotationReport, error) {
		t.Helper()
		s := *old.settings
		s.SecretKey, s.SecretKeyFallbacks, s.AcceptNewKey = key, []string{"an even older key", djangotest.SecretKey}, accept
		now := &site{settings: &s}
		now.open(t, storeURL, cacheURL)
		auth := usersOf(t, now.store, place, &s)
		job := keepsAll(t)
		job.DryRun = dryRun
		return ops.Rotate(t.Context(), now.store, ops.Rotation{Job: job, Auth: auth})
	}
	wantReport := func(what string, report *ops.RotationReport, err, wantErr error, read, rewritten int64) {
		t.Helper()
		if !errors.Is(err, wantErr) {
			t.Fatalf("%s: %v, want %v", what, err, wantErr)
		}
		if report.Read != read || report.Rewritten != rewritten || report.Failed+report.Gone+report.Refused+report.Unreadable > 0 {
			t.Errorf("%s: %+v", what, report)
		}
	}
	needing := int64(n)
	if !signs {
		needing = logins
	}

	// Nothing was saved under the new key yet, so it may be misspelled.
	report, err := rotate(newKey, true, false)
	wantReport("dry run, too early", report, err, djsession.ErrUnknownKey, n, needing)
	use := report.Fallbacks[1]
	if report.Fallbacks[0] != (ops.FallbackUse{}) || use.Hashes != logins || signs && use.Signed != n ||
		use.Until.Before(time.Now().Add(13*24*time.Hour)) {
		t.Errorf("the fallbacks are needed by %+v", report.Fallbacks)
	}
	report, err = rotate(newKey, false, false)
	wantReport("too early", report, err, djsession.ErrUnknownKey, 0, 0)
	sameSessions(t, want, old.read(t, want))

	// A user logs in at a Django with the new key.
	at(newKey, djangotest.SecretKey).make(t, false, 1)
	report, err = rotate("a misspelled key", false, false)
	if err == nil {
		t.Fatalf("with a misspelled key: %+v", report)
	}
	sameSessions(t, want, old.read(t, want))
	report, err = rotate(newKey, false, false)
	wantReport("rotate", report, err, nil, n+1, needing)
	sameButHashes(t, want, withoutFallback.read(t, want))
	report, err = rotate(newKey, false, false)
	wantReport("second run", report, err, nil, n+1, 0)
}

// usersOf returns the users of a site, which a cache does not have in its store.
func usersOf(t *testing.T, store djsession.Store, place djangotest.Settings, settings *djsession.Settings) *djauth.Auth {
	t.Helper()
	if _, ok := store.(djsession.SQLStore); ok {
		return authOf(t, store)
	}
	file := place["DATABASES"].(map[string]any)["default"].(map[string]any)["NAME"].(string)
	users, err := storeurl.OpenReadOnly("sqlite:///"+file, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { users.Close() })
	return authOf(t, users)
}
