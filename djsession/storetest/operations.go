package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// age is SESSION_COOKIE_AGE in the suite: Django's default.
const age = 14 * 24 * time.Hour

func testOperations(f *fixture) {
	ctx := f.Context()
	created := f.create("", `{"a":1.0}`)
	if err := djsession.ValidateKey(created.Key); err != nil {
		f.Errorf("Create chose the key %q: %v", created.Key, err)
	}
	if got := f.text(created.Values); got != `{"a":1.0}` {
		f.Errorf("Create returned %s", got)
	}
	if other := f.create("", `{"other":1}`); other.Key == created.Key {
		f.Error("Create chose the same key twice")
	}
	loaded := f.load(created.Key)
	if got := f.text(loaded.Values); got != `{"a":1.0}` {
		f.Errorf("Load returned %s", got)
	}
	replaced := f.replace(loaded, `{"b":2}`)
	if replaced.Key != created.Key || f.text(replaced.Values) != `{"b":2}` {
		f.Errorf("Replace returned %s under %q, want the key %q", f.text(replaced.Values), replaced.Key, created.Key)
	}
	f.holds(created.Key, `{"b":2}`)

	// The records that Create and Replace return can be replaced, too, with or without a change.
	replaced = f.replace(replaced, `{"b":2}`)
	replaced = f.replace(replaced, `{"b":3}`)
	f.replace(replaced, `{"b":4}`)
	f.holds(created.Key, `{"b":4}`)

	empty, err := f.store.Create(ctx, "", nil, time.Time{})
	if err != nil {
		f.Fatalf("Create without values: %v", err)
	}
	f.holds(empty.Key, `{}`)
	if empty, err = f.store.Replace(ctx, empty, nil, time.Time{}); err != nil {
		f.Fatalf("Replace without values: %v", err)
	}
	if got := f.text(empty.Values); got != `{}` {
		f.Errorf("Replace without values returned %s", got)
	}

	const named = "akeythatthecallerhaschosen"
	if r := f.create(named, `{"a":1}`); r.Key != named {
		f.Errorf("Create stored the session under %q, want %q", r.Key, named)
	}
	f.holds(named, `{"a":1}`)
	if err := f.store.Delete(ctx, named); err != nil {
		f.Errorf("Delete: %v", err)
	}
	f.fails("Load after Delete", named, second(f.store.Load(ctx, named)), djsession.ErrNotFound)
	f.holds(created.Key, `{"b":4}`)
}

// testValues tests that a change to one value leaves the others as they were written.
func testValues(f *fixture) {
	const others = `"text":"\u017c\u00f3\u0142w \ud83d\ude00","float":1.0,"nan":NaN,"infinity":-Infinity,"big":1000000000000000000000000000000,` +
		`"nested":{"z":[null,true,1e-07],"a":{}}`
	r := f.create("", `{"n":1,`+others+`}`)
	loaded := f.load(r.Key)
	v := loaded.Values.Clone()
	if err := v.Set("n", 2); err != nil {
		f.Fatal(err)
	}
	const want = `{"n":2,` + others + `}`
	r = f.replace(loaded, f.text(v))
	f.holds(r.Key, want)
}

// testMissing tests operations on a session that was never stored.
func testMissing(f *fixture) {
	const key = "akeythatnobodyhasevercreated"
	ctx := f.Context()
	f.fails("Load", key, second(f.store.Load(ctx, key)), djsession.ErrNotFound)
	f.fails("Delete", key, f.store.Delete(ctx, key), djsession.ErrNotFound)
	missing := &djsession.Record{Key: key, Values: new(djsession.Values)}
	f.fails("Replace", key, second(f.store.Replace(ctx, missing, f.values(`{"a":1}`), time.Time{})), djsession.ErrNotFound)
	f.fails("Load after Replace", key, second(f.store.Load(ctx, key)), djsession.ErrNotFound)
}

func testTakenKey(f *fixture) {
	const key = "akeythatistakenalready"
	f.create(key, `{"a":1}`)
	for range 2 {
		f.fails("Create", key, second(f.store.Create(f.Context(), key, f.values(`{"b":2}`), time.Time{})), djsession.ErrKeyTaken)
	}
	f.holds(key, `{"a":1}`)
}

func testInvalidKeys(f *fixture) {
	ctx := f.Context()
	for _, key := range []string{"", "short", strings.Repeat("x", 41), "abcdefgh\x00", "abcdefgh\xff"} {
		errs := map[string]error{
			"Load":    second(f.store.Load(ctx, key)),
			"Replace": second(f.store.Replace(ctx, &djsession.Record{Key: key}, nil, time.Time{})),
			"Delete":  f.store.Delete(ctx, key),
		}
		if key != "" { // which lets Create choose a key
			errs["Create"] = second(f.store.Create(ctx, key, nil, time.Time{}))
		}
		if d, ok := f.store.(djsession.UnchangedDeleter); ok {
			errs["DeleteUnchanged"] = d.DeleteUnchanged(ctx, &djsession.Record{Key: key})
		}
		for op, err := range errs {
			what := fmt.Sprintf("%s of the key %q", op, key)
			f.fails(what, key, err, djsession.ErrInvalidKey)
			if errors.Is(err, djsession.ErrNotFound) {
				f.Errorf("%s: the error says that there is no such session: %v", what, err)
			}
		}
	}
	longest := strings.Repeat("y", 40)
	f.create(longest, `{"a":1}`)
	f.holds(longest, `{"a":1}`)
}

// testConflict tests that Replace does not overwrite a version that the caller has not read.
func testConflict(f *fixture) {
	ctx := f.Context()
	ours := f.create("", `{"n":1}`)
	f.replace(f.load(ours.Key), `{"n":2}`)

	// It is a conflict even if the new values equal the stored ones.
	for _, json := range []string{`{"n":2}`, `{"n":1}`, `{"n":5}`} {
		_, err := f.store.Replace(ctx, ours, f.values(json), time.Time{})
		f.conflicts("Replace", ours.Key, err, `{"n":2}`)
	}
	f.holds(ours.Key, `{"n":2}`)
	unknown := &djsession.Record{Key: ours.Key, Values: ours.Values}
	_, err := f.store.Replace(ctx, unknown, f.values(`{"n":5}`), time.Time{})
	current := f.conflicts("Replace of a record without a Version", ours.Key, err, `{"n":2}`)
	if current == nil {
		return
	}
	if _, err := f.store.Replace(ctx, current, f.values(`{"n":3}`), time.Time{}); err != nil {
		f.Errorf("Replace of the record that a conflict carries: %v", err)
	}
	f.holds(ours.Key, `{"n":3}`)
}

// conflicts checks that an error is a conflict which carries the stored session. It returns that
// session, or nil if the error is not a conflict.
func (f *fixture) conflicts(what, key string, err error, want string) *djsession.Record {
	f.Helper()
	f.fails(what, key, err, djsession.ErrConflict)
	var conflict *djsession.ConflictError
	if !errors.As(err, &conflict) || conflict.Current == nil {
		f.Errorf("%s: the error is no *djsession.ConflictError with a record: %v", what, err)
		return nil
	}
	if got := f.text(conflict.Current.Values); got != want || conflict.Current.Key != key {
		f.Errorf("%s: the conflict carries %s under %q, want %s", what, got, conflict.Current.Key, want)
	}
	return conflict.Current
}

// testDeleted tests that no write brings a deleted session back.
func testDeleted(f *fixture) {
	ctx := f.Context()
	created := f.create("", `{"a":1}`)
	loaded := f.load(created.Key)
	if err := f.store.Delete(ctx, created.Key); err != nil {
		f.Fatal(err)
	}
	for what, old := range map[string]*djsession.Record{
		"the created record":         created,
		"the loaded record":          loaded,
		"a record without a Version": {Key: created.Key, Values: created.Values},
	} {
		f.fails("Replace of "+what, old.Key, second(f.store.Replace(ctx, old, f.values(`{"a":2}`), time.Time{})), djsession.ErrNotFound)
		if d, ok := f.store.(djsession.UnchangedDeleter); ok {
			f.fails("DeleteUnchanged of "+what, old.Key, d.DeleteUnchanged(ctx, old), djsession.ErrNotFound)
		}
		f.fails("Delete", old.Key, f.store.Delete(ctx, old.Key), djsession.ErrNotFound)
		f.fails("Load after Replace of "+what, old.Key, second(f.store.Load(ctx, old.Key)), djsession.ErrNotFound)
	}
	kept := f.create("", `{"a":1}`)
	_, err := djsession.Update(ctx, f.store, kept.Key, func(v *djsession.Values) error {
		return errors.Join(ignore(f.store.Delete(ctx, kept.Key), djsession.ErrNotFound), v.Set("a", 2))
	})
	if !errors.Is(err, djsession.ErrSessionDeleted) {
		f.Errorf("djsession.Update of a session that is deleted meanwhile: %v", err)
	}
	f.fails("Load after djsession.Update", kept.Key, second(f.store.Load(ctx, kept.Key)), djsession.ErrNotFound)
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func canDeleteUnchanged(f *fixture) bool {
	_, ok := f.store.(djsession.UnchangedDeleter)
	return ok
}

func testDeleteUnchanged(f *fixture) {
	deleter, ctx := f.store.(djsession.UnchangedDeleter), f.Context()
	ours := f.create("", `{"n":1}`)
	theirs := f.replace(f.load(ours.Key), `{"n":2}`)
	f.conflicts("DeleteUnchanged", ours.Key, deleter.DeleteUnchanged(ctx, ours), `{"n":2}`)
	unknown := &djsession.Record{Key: ours.Key, Values: ours.Values}
	f.conflicts("DeleteUnchanged of a record without a Version", ours.Key, deleter.DeleteUnchanged(ctx, unknown), `{"n":2}`)
	f.holds(ours.Key, `{"n":2}`)
	if err := deleter.DeleteUnchanged(ctx, theirs); err != nil {
		f.Errorf("DeleteUnchanged: %v", err)
	}
	f.fails("Load after DeleteUnchanged", ours.Key, second(f.store.Load(ctx, ours.Key)), djsession.ErrNotFound)
}

// testEndedContext tests that with a context that has ended every operation fails and has no
// effect.
func testEndedContext(f *fixture) {
	r := f.create("", `{"a":1}`)
	ended, cancel := context.WithCancel(f.Context())
	cancel()
	errs := map[string]error{
		"Load":    second(f.store.Load(ended, r.Key)),
		"Create":  second(f.store.Create(ended, "", f.values(`{"b":2}`), time.Time{})),
		"Replace": second(f.store.Replace(ended, r, f.values(`{"b":2}`), time.Time{})),
	}
	if !selfContained(f.store) { // which has nothing to delete
		errs["Delete"] = f.store.Delete(ended, r.Key)
	}
	if d, ok := f.store.(djsession.UnchangedDeleter); ok {
		errs["DeleteUnchanged"] = d.DeleteUnchanged(ended, r)
	}
	if canScan(f) {
		errs["Scan"] = nil
		for _, err := range f.store.(djsession.Scanner).Scan(ended, djsession.Range{}) {
			errs["Scan"] = err
		}
	}
	for what, err := range errs {
		key := r.Key
		if what == "Create" || what == "Scan" || selfContained(f.store) && what == "Replace" {
			key = ""
		}
		f.fails(what, key, err, context.Canceled)
	}
	f.holds(r.Key, `{"a":1}`)
	f.replace(f.load(r.Key), `{"a":2}`)
}

// testSettings tests that a store has its own copy of the settings, and does not show them.
func testSettings(f *fixture) {
	r := f.create("", `{"a":1}`)
	f.given.SecretKey, f.given.SessionCookieAge, f.given.SessionCookieName = "another", time.Minute, "another"
	for range 2 {
		s := f.store.Settings()
		if s == nil {
			f.Fatal("Settings returned nil")
		}
		if s.SecretKey != secret || s.SessionCookieAge != age || s.DjangoVersion != "5.2" || s.Now == nil || s.Validate() != nil {
			f.Fatal("Settings does not return the settings that the store was opened with")
		}
		s.SecretKey, s.SessionCookieAge = "another", time.Minute // for the second round
	}
	f.holds(r.Key, `{"a":1}`)
	if left := f.create("", `{}`).Expires.Sub(f.given.Now()); left < age-time.Hour {
		f.Errorf("a new session ends in %v: a change to the caller's settings applies", left)
	}
	if text := fmt.Sprintf("%v %+v %#v", f.store, f.store, f.store); strings.Contains(text, secret) {
		f.Error("a store that is printed shows the SECRET_KEY")
	}
}
