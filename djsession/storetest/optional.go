package storetest

import (
	"errors"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// testOrigin tests that a record which was just stored has no Origin, and a loaded one has.
func testOrigin(f *fixture) {
	r := f.create("", `{"a":1}`)
	if r.Origin != (djsession.Origin{}) {
		f.Errorf("Create returned the origin %+v", r.Origin)
	}
	if r = f.replace(r, `{"a":2}`); r.Origin != (djsession.Origin{}) {
		f.Errorf("Replace returned the origin %+v", r.Origin)
	}
	u, ok := f.store.(djsession.UnsignedStore)
	unsigned := ok && u.IsUnsigned()
	origin := f.load(r.Key).Origin
	if origin.Form == "" || unsigned && origin.Form != djsession.Unsigned {
		f.Errorf("Load returned the origin %+v; the store keeps sessions without a signature: %v", origin, unsigned)
	}
}

func isSharded(f *fixture) bool {
	_, ok := f.store.(djsession.Sharded)
	return ok
}

func testShards(f *fixture) {
	sharded := f.store.(djsession.Sharded)
	names := map[string]bool{}
	for range 20 {
		key := f.create("", `{}`).Key
		name := sharded.Shard(key)
		names[name] = true
		if server, err := sharded.Misplaced(f.Context(), key); server != "" || err != nil {
			f.Errorf("a session that was just stored is misplaced on %q, %v", server, err)
		}
		if again := sharded.Shard(key); again != name {
			f.Error("one key has two shards")
		}
	}
	switch n := sharded.Shards(); {
	case n > 1 && names[""], n <= 1 && (len(names) != 1 || !names[""]), len(names) > max(n, 1):
		f.Errorf("%d shards, and keys in %v", n, names)
	}
}

func readsExpiries(f *fixture) bool {
	_, ok := f.store.(djsession.ExpiryReader)
	return ok
}

func testExpiryReader(f *fixture) {
	reader, ctx := f.store.(djsession.ExpiryReader), f.Context()
	key := f.create("", `{}`).Key
	expires, err := reader.Expires(ctx, key)
	if errors.Is(err, errors.ErrUnsupported) {
		f.isOpError("Expires", key, err)
		return
	}
	if err != nil || !nearly(expires, f.given.Now().Add(age)) {
		f.Errorf("Expires returned %v, %v", expires, err)
	}
	const missing = "akeythatnobodyhasevercreated"
	for key, want := range map[string]error{missing: djsession.ErrNotFound, "short": djsession.ErrInvalidKey} {
		_, err := reader.Expires(ctx, key)
		f.fails("Expires", key, err, want)
	}
}

// testCheck tests that a store that works passes its own check.
func testCheck(f *fixture) {
	if checker, ok := f.store.(djsession.Checker); ok {
		for _, err := range checker.Check(f.Context()) {
			f.Errorf("Check: %v", err)
		}
	}
}

func examines(f *fixture) bool {
	_, ok := f.store.(djsession.Examiner)
	return ok
}

// testExamine tests that no check of a store that works fails, and that each says what it has found.
func testExamine(f *fixture) {
	key := f.create("", `{"a":1}`).Key
	f.load(key) // a cached_db caches it
	for _, r := range f.store.(djsession.Examiner).Examine(f.Context()) {
		switch r.Status {
		case djsession.CheckOK, djsession.CheckWarns, djsession.CheckSkipped:
		default:
			f.Errorf("Examine: %s has the status %q: %s", r.Check, r.Status, r.Text)
		}
		switch {
		case r.Check == "" || r.Text == "" || r.Status == djsession.CheckWarns && r.Remedy == "":
			f.Errorf("Examine: %+v does not say what was found", r)
		case strings.Contains(r.Text+r.Remedy, key):
			f.Errorf("Examine: %s shows a session key", r.Check)
		}
	}
}

func reopens(f *fixture) bool {
	_, ok := f.store.(djsession.Reopener)
	return ok
}

// testReopen tests that another SECRET_KEY finds the session and does not open it.
func testReopen(f *fixture) {
	key := f.create("", `{"a":1}`).Key
	for _, secretKey := range []string{f.given.SecretKey, "another key of a test"} {
		settings := *f.given
		settings.SecretKey = secretKey
		again, err := f.store.(djsession.Reopener).Reopen(&settings)
		if err != nil {
			f.Fatal(err)
		}
		r, err := again.Load(f.Context(), key)
		switch isOwn := secretKey == f.given.SecretKey; {
		case isOwn && (err != nil || r.Values.Len() != 1):
			f.Errorf("with the settings of the store: %v", err)
		case !isOwn && !errors.Is(err, djsession.ErrBadSignature):
			f.Errorf("with another SECRET_KEY: %v", err)
		}
	}
	f.load(key) // the store itself is as it was
}

func isSQLStore(f *fixture) bool {
	_, ok := f.store.(djsession.SQLStore)
	return ok
}

func testSQLStore(f *fixture) {
	s := f.store.(djsession.SQLStore)
	if s.DB() == nil || s.Table() == "" || s.Location() == nil {
		f.Fatalf("DB, Table and Location return %v, %q and %v", s.DB(), s.Table(), s.Location())
	}
	if err := s.DB().PingContext(f.Context()); err != nil {
		f.Errorf("the database of DB: %v", err)
	}
}

func counts(f *fixture) bool {
	_, ok := f.store.(djsession.Counter)
	return ok
}

func testCounter(f *fixture) {
	counter := f.store.(djsession.Counter)
	before, err := counter.Count(f.Context())
	if err != nil {
		f.Fatalf("Count: %v", err)
	}
	for range 3 {
		f.create("", `{}`)
	}
	if after, err := counter.Count(f.Context()); err != nil || after != before+3 {
		f.Errorf("Count: %d after 3 new sessions, %d before, %v", after, before, err)
	}
}

func isSizer(f *fixture) bool {
	_, ok := f.store.(djsession.Sizer)
	return ok
}

// testSize tests that the sessions are in the size, up to the other items of a cache. A database may count later.
func testSize(f *fixture) {
	f.create("", `{"a":1}`)
	size, err := f.store.(djsession.Sizer).Size(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	if size == (djsession.StoreSize{}) {
		f.Error("Size returned zeroes for what it does not know")
	}
	if size.Files >= 0 && (size.Files == 0 || size.Sessions == 0) {
		f.Errorf("Size of a store with a session is %+v", size)
	}
}
