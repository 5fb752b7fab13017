package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/djsess/djsess/djsession"
)

// nearly reports whether a time is about want: caches keep whole seconds, and a real clock runs
// on.
func nearly(t, want time.Time) bool { return t.Sub(want).Abs() < 5*time.Second }

// testExpires tests Record.Expires.
func testExpires(f *fixture) {
	now := f.given.Now()
	given := now.Add(3 * time.Hour)
	for _, test := range []struct {
		what, json string
		expires    time.Time
		want       time.Time
	}{
		{"no expiry", `{}`, time.Time{}, now.Add(age)},
		{"an expiry of the caller's", `{}`, given, given},
		{"a number in the values", `{"_session_expiry":300}`, time.Time{}, now.Add(5 * time.Minute)},
		{"until the browser closes", `{"_session_expiry":0}`, time.Time{}, now.Add(age)},
		{"an instant in the values", `{"_session_expiry":"` + now.Add(time.Hour).UTC().Format("2006-01-02T15:04:05+00:00") + `"}`, time.Time{}, now.Add(time.Hour)},
	} {
		created, err := f.store.Create(f.Context(), "", f.values(test.json), test.expires)
		if err != nil {
			f.Errorf("%s: Create: %v", test.what, err)
			continue
		}
		current := f.load(created.Key)
		replaced, err := f.store.Replace(f.Context(), created, f.values(test.json), test.expires)
		if err != nil {
			f.Errorf("%s: Replace: %v", test.what, err)
			continue
		}
		want := test.want
		if f.NumberNeverEnds && test.what == "a number in the values" {
			want = created.Expires
			if want.Before(now.Add(1000 * age)) {
				f.Errorf("%s: the session ends %v", test.what, want)
			}
		}
		for op, r := range map[string]*djsession.Record{"Create": created, "Load": current, "Replace": replaced, "Load after Replace": f.load(created.Key)} {
			unknown := r.Expires.IsZero() && op != "Create" && op != "Replace" // many caches do not return it
			if !unknown && !nearly(r.Expires, want) {
				f.Errorf("%s: %s says that the session ends %v, want %v", test.what, op, r.Expires, want)
			}
		}
	}
}

// testKeepExpiry tests that a session which is replaced with KeepExpiry ends when it did.
func testKeepExpiry(f *fixture) {
	f.keepsExpiry("Replace", f.store.Replace)
	bulk, ok := f.store.(djsession.BulkStore)
	if !ok {
		return
	}
	f.keepsExpiry("ReplaceAll", func(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
		results, err := bulk.ReplaceAll(ctx, []djsession.Replacement{{Old: old, Values: v, Expires: expires}})
		if err != nil {
			return nil, err
		}
		return results[0].Record, results[0].Err
	})
}

func (f *fixture) keepsExpiry(
	what string, replace func(context.Context, *djsession.Record, *djsession.Values, time.Time) (*djsession.Record, error),
) {
	want := f.given.Now().Add(3*time.Hour + 123456*time.Microsecond)
	created, err := f.store.Create(f.Context(), "", f.values(`{"a":1}`), want)
	if err != nil {
		f.Fatal(err)
	}
	loaded := f.load(created.Key)
	replaced, err := replace(f.Context(), loaded, f.values(`{"a":2}`), djsession.KeepExpiry)
	if errors.Is(err, errors.ErrUnsupported) && loaded.Expires.IsZero() {
		f.holds(created.Key, `{"a":1}`)
		return
	}
	if err != nil {
		f.Fatalf("%s: %v", what, err)
	}
	f.holds(created.Key, `{"a":2}`)
	if !replaced.Expires.IsZero() && !nearly(replaced.Expires, want) {
		f.Errorf("%s says that the session ends %v, want %v", what, replaced.Expires, want)
	}
	got := f.load(created.Key).Expires
	if reader, ok := f.store.(djsession.ExpiryReader); ok && got.IsZero() {
		if got, err = reader.Expires(f.Context(), created.Key); err != nil {
			f.Fatal(err)
		}
	}
	if !nearly(got, want) {
		f.Errorf("after %s the session ends %v, want %v", what, got, want)
	}
}

// testExpired tests sessions that have ended when they are written.
func testExpired(f *fixture) {
	ctx := f.Context()
	for what, expires := range map[string]time.Time{`{"_session_expiry":-300}`: {}, `{}`: f.given.Now().Add(-time.Hour)} {
		r, err := f.store.Create(ctx, "", f.values(what), expires)
		if err != nil {
			f.Errorf("Create of an expired session: %v", err)
			continue
		}
		f.isGone(r.Key)

		live := f.create("", `{"a":1}`)
		if _, err := f.store.Replace(ctx, live, f.values(what), expires); err != nil {
			f.Errorf("Replace by an expired session: %v", err)
		}
		f.isGone(live.Key)
	}
}

// isGone checks that an expired session is not loaded, still has its key, and can be deleted.
func (f *fixture) isGone(key string) {
	f.Helper()
	ctx := f.Context()
	f.fails("Load of an expired session", key, second(f.store.Load(ctx, key)), djsession.ErrNotFound)
	if !f.ForgetsExpired {
		_, err := f.store.Create(ctx, key, f.values(`{"a":1}`), time.Time{})
		f.fails("Create under the key of an expired session", key, err, djsession.ErrKeyTaken)
	}
	switch err := f.store.Delete(ctx, key); {
	case f.ForgetsExpired && err != nil:
		f.fails("Delete of an expired session", key, err, djsession.ErrNotFound)
	case err != nil:
		f.Errorf("Delete of an expired session: %v", err)
	}
	// The key is free now, and the expiry of the old session does not end the new one.
	f.create(key, `{"new":1}`)
	f.holds(key, `{"new":1}`)
}

// testClock tests that sessions end when the clock says so.
func testClock(f *fixture) {
	ctx := f.Context()
	hour, err := f.store.Create(ctx, "", f.values(`{"a":1}`), f.clock.Now().Add(time.Hour))
	if err != nil {
		f.Fatal(err)
	}
	long := f.create("", `{"b":1}`)
	f.clock.move(time.Hour - 3*time.Second)
	f.holds(hour.Key, `{"a":1}`)
	f.clock.move(6 * time.Second)
	f.fails("Load after the session's end", hour.Key, second(f.store.Load(ctx, hour.Key)), djsession.ErrNotFound)

	// A save moves the end of a session.
	f.clock.move(age - 2*time.Hour)
	f.replace(f.load(long.Key), `{"b":2}`)
	f.clock.move(age - time.Minute)
	f.holds(long.Key, `{"b":2}`)
	f.clock.move(2 * time.Minute)
	f.isGone(long.Key)
}
