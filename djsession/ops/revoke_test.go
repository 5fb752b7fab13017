package ops_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/ops"
	"github.com/djsess/djsess/internal/testing/edit"
)

// ofUser7 are the sessions of a user.
func ofUser7(_ context.Context, v *djsession.Values) (bool, error) {
	return v.GetString("_auth_user_id") == "7", nil
}

// logIn stores a session of a user.
func logIn(t *testing.T, store djsession.Store, user string) *djsession.Record {
	t.Helper()
	v := new(djsession.Values)
	if err := v.Set("_auth_user_id", user); err != nil {
		t.Fatal(err)
	}
	r, err := store.Create(t.Context(), "", v, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// busySite is a site that does something before or after a session is deleted.
type busySite struct {
	*djsessiontest.Store
	before, after func(key string)
}

func (s busySite) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if s.before != nil {
		s.before(old.Key)
	}
	err := s.Store.DeleteUnchanged(ctx, old)
	if s.after != nil && err == nil {
		s.after(old.Key)
	}
	return err
}

// A session that belongs to another user by the time it is deleted stays. One that has only
// changed goes.
func TestRevokeOfChangedSessions(t *testing.T) {
	t.Parallel() // it waits between passes
	store := memory(t)
	handed, changed := logIn(t, store, "7").Key, logIn(t, store, "7").Key
	site := busySite{Store: store, before: func(key string) {
		r, err := store.Load(t.Context(), key)
		if err != nil || r.Values.Has("seen") {
			return
		}
		user := "7"
		if key == handed {
			user = "8"
		}
		if _, err := djsession.Update(t.Context(), store, key, edit.Set("_auth_user_id", user)); err != nil {
			t.Error(err)
		}
		if _, err := djsession.Update(t.Context(), store, key, edit.Set("seen", true)); err != nil {
			t.Error(err)
		}
	}}
	report, err := ops.Revoke(t.Context(), site, ops.Revocation{Of: ofUser7})
	if err != nil || *report != (ops.RevokeReport{Passes: 2, Read: 2, Revoked: 1}) {
		t.Errorf("%+v, %v", *report, err)
	}
	if !has(t, store, handed) || has(t, store, changed) {
		t.Errorf("the session that changed hands is there: %v; the other one: %v", has(t, store, handed), has(t, store, changed))
	}
}

// What requests under way write back is revoked again, three times at most. The report says what
// the last pass found.
func TestRevokeOfWrittenBackSessions(t *testing.T) {
	t.Parallel() // it waits between passes
	for _, times := range []int{1, 100} {
		store := memory(t)
		old, other := logIn(t, store, "7"), logIn(t, store, "8").Key
		written := 0
		site := busySite{Store: store, after: func(key string) {
			if written++; written > times {
				return
			}
			if _, err := store.Create(context.Background(), key, old.Values, time.Time{}); err != nil {
				t.Error(err)
			}
		}}
		want := ops.RevokeReport{Passes: 3, Read: 2, Revoked: 2}
		if times > 3 {
			want = ops.RevokeReport{Passes: 3, Read: 2, Revoked: 3, Left: 1}
		}
		report, err := ops.Revoke(t.Context(), site, ops.Revocation{Of: ofUser7})
		if err != nil || *report != want {
			t.Errorf("written back %d times: %+v, %v", times, *report, err)
		}
		if !has(t, store, other) {
			t.Error("another user's session is gone")
		}
	}
}

// Nothing is revoked without a word on whose sessions, and with a wrong SECRET_KEY.
func TestRevokeNothing(t *testing.T) {
	store := memory(t)
	key := logIn(t, store, "7").Key
	if _, err := ops.Revoke(t.Context(), store, ops.Revocation{}); err == nil {
		t.Error("without Of")
	}
	down := errors.New("the users' database is down")
	failing := func(context.Context, *djsession.Values) (bool, error) { return false, down }
	if _, err := ops.Revoke(t.Context(), store, ops.Revocation{Of: failing}); !errors.Is(err, down) {
		t.Errorf("with an Of that fails: %v", err)
	}
	report, err := ops.Revoke(t.Context(), store, ops.Revocation{Of: ops.EverySession, Except: func(k string) bool { return k == key }})
	if err != nil || *report != (ops.RevokeReport{Passes: 1, Read: 1, Excepted: 1}) {
		t.Errorf("with Except: %+v, %v", *report, err)
	}
	if !has(t, store, key) {
		t.Error("the session is gone")
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ops.Revoke(canceled, store, ops.Revocation{Of: ops.EverySession}); !errors.Is(err, context.Canceled) || !has(t, store, key) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if _, err := ops.ClearExpired(t.Context(), store, ops.ClearOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("ClearExpired of a store that cannot: %v", err)
	}
}
