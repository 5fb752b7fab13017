package storetest

import (
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// testSelfContained tests a store that keeps each session in its key.
func testSelfContained(f *fixture) {
	ctx := f.Context()
	created := f.create("", `{"a":1.0}`)
	f.holds(created.Key, `{"a":1.0}`)
	if !nearly(created.Expires, f.given.Now().Add(age)) || !nearly(f.load(created.Key).Expires, created.Expires) {
		f.Errorf("the session ends %v", created.Expires)
	}
	replaced := f.replace(f.load(created.Key), `{"b":2}`)
	if replaced.Key == created.Key {
		f.Error("Replace returned the same key for another session")
	}
	f.holds(replaced.Key, `{"b":2}`)
	f.holds(created.Key, `{"a":1.0}`) // the old key is still the old session
	if err := f.store.Delete(ctx, replaced.Key); err != nil {
		f.Errorf("Delete: %v", err)
	}
	empty, err := f.store.Create(ctx, "", nil, time.Time{})
	if err != nil {
		f.Fatalf("Create without values: %v", err)
	}
	f.holds(empty.Key, `{}`)

	const named = "akeythatthecallerhaschosen"
	f.fails("Create under a key of the caller's", named, second(f.store.Create(ctx, named, nil, time.Time{})), djsession.ErrInvalidKey)
	f.fails("Load of an empty key", "", second(f.store.Load(ctx, "")), djsession.ErrInvalidKey)
	for _, key := range []string{named, created.Key[1:], created.Key + "x", strings.ToUpper(created.Key)} {
		_, err := f.store.Load(ctx, key)
		f.isPayloadError("Load of a key that the site did not sign", err)
		f.isOpError("Load of a key that the site did not sign", key, err)
	}
	f.clock.move(age + time.Minute)
	f.fails("Load after the session's end", created.Key, second(f.store.Load(ctx, created.Key)), djsession.ErrNotFound)
}
