package ops_test

import (
	"context"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// A user whose sessions are revoked is anonymous to Django at the next request, and another is not.
// What has expired is cleared, and Django finds the rest.
func TestRevokeAndClear(t *testing.T) {
	djangotest.NotShort(t, "TestMigrate starts Djangos")
	for _, name := range []string{"SQLite", "file", "PostgreSQL", "django-redis", "cached_db", "DatabaseCache"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testRevokeAndClear(t, newSite(t, engineOf(t, name), djangotest.Newest, nil), name)
		})
	}
}

func testRevokeAndClear(t *testing.T, s *site, engine string) {
	const victim, victims = 4, 4
	sessions := s.make(t, false, 60)
	s.read(t, sessions) // a cached_db caches them
	theirs := func(_ context.Context, v *djsession.Values) (bool, error) {
		return v.GetString("_auth_user_id") == "4", nil
	}
	report, err := ops.Revoke(t.Context(), s.store, ops.Revocation{Of: theirs, UserID: "4"})
	if err != nil {
		t.Fatal(err)
	}
	want := ops.RevokeReport{Passes: 2, Read: 60, Revoked: victims}
	if *report != want {
		t.Errorf("Revoke: %+v, want %+v", *report, want)
	}
	for i, got := range s.read(t, sessions) {
		if revoked := sessions[i].User == victim; (got == nil) != revoked {
			t.Errorf("session %d of user %d: Django has %+v", i, sessions[i].User, got)
		} else if got != nil && got.User != sessions[i].User {
			t.Errorf("session %d of user %d is user %d's", i, sessions[i].User, got.User)
		}
	}
	if engine == "django-redis" {
		return // it removes expired sessions by itself
	}

	live := s.make(t, false, 20)
	s.Do(t, `
		for i in range(20):
			s = SessionStore()
			s["i"] = i
			s.set_expiry(-300)
			s.save()
	`, nil, nil)
	for _, dryRun := range []bool{true, false} {
		cleared, err := ops.ClearExpired(t.Context(), s.store, ops.ClearOptions{Batch: 7, DryRun: dryRun})
		if err != nil || cleared.Removed != 20 || cleared.Referenced != 0 || cleared.Unreadable != 0 {
			t.Errorf("ClearExpired, dry run %v: %+v, %v", dryRun, *cleared, err)
		}
		if cleared.Before == nil || (cleared.After == nil) != dryRun {
			t.Errorf("ClearExpired, dry run %v: the store took %+v, and then %+v", dryRun, cleared.Before, cleared.After)
		}
	}
	stored := 0
	for _, err := range s.store.(djsession.Scanner).Scan(t.Context(), djsession.Range{Expired: true}) {
		if err != nil {
			t.Fatal(err)
		}
		stored++
	}
	if stored != 60-victims+20 {
		t.Errorf("%d sessions are left, want the live ones", stored)
	}
	sameSessions(t, live, s.read(t, live))
}
