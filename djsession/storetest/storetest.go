// Package storetest tests that a store keeps every promise in the comments of djsession.Store,
// djsession.Scanner and djsession.UnchangedDeleter. All stores of djsess run it. To write a new
// store, start with one test:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T, settings *djsession.Settings) djsession.Store {
//			store, err := mystore.New(mystore.Config{Dir: t.TempDir(), Settings: settings})
//			if err != nil {
//				t.Fatal(err)
//			}
//			return store
//		}, storetest.Options{})
//	}
//
// The optional interfaces beside djsession.Store are tested if the store implements them.
// [Options] lists what a store cannot do because Django's engine cannot.
package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// Options describe a store to the suite. The zero value is for a store that keeps all promises.
type Options struct {
	// OwnClock: sessions end by a clock other than Settings.Now, such as that of a cache
	// server. Then the suite does not move the clock.
	OwnClock bool
	// ForgetsExpired: the store removes an expired session by itself, or lets Create take its
	// place. Caches do that.
	ForgetsExpired bool
	// NumberNeverEnds: a session whose _session_expiry is a number does not end, as in
	// Django's engine file.
	NumberNeverEnds bool
	// CannotScan: the store has a method Scan, which yields an errors.ErrUnsupported.
	CannotScan bool
	// NamesOnly: Scan yields records with a Name in place of a Key, and takes no Prefix,
	// because the store keeps only hashes of the keys.
	NamesOnly bool
	// PlainErrors: the errors are not *djsession.OpError.
	PlainErrors bool
	// Damage, if set, overwrites the session of a key with data that Django cannot have
	// written. The suite then tests that the store reports the data and keeps them.
	Damage func(t *testing.T, store djsession.Store, key string)
}

// secret is the SECRET_KEY of all tests. No store shows it.
const secret = "the-secret-key-of-the-tests-of-stores"

// Run runs the suite. Each test calls open for its own store, which must hold no sessions and
// must use the settings that are passed to open. To close the store, open calls t.Cleanup.
func Run(t *testing.T, open func(t *testing.T, settings *djsession.Settings) djsession.Store, o Options) {
	all := storedTests
	if selfContained(newFixture(t, open, o).store) {
		all = selfContainedTests
	}
	for _, test := range append(all[:len(all):len(all)], commonTests...) {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t, open, o)
			if test.needs == nil || test.needs(f) {
				test.run(f)
			}
		})
	}
}

// test is one test of the suite. It is not run if the store does not have what it needs.
type test struct {
	name  string
	needs func(*fixture) bool
	run   func(*fixture)
}

// commonTests are for every store.
var commonTests = []test{
	{"Settings", nil, testSettings},
	{"Values", nil, testValues},
	{"EndedContext", nil, testEndedContext},
}

// storedTests are for stores whose keys are names of sessions.
var storedTests = []test{
	{"Operations", nil, testOperations},
	{"Missing", nil, testMissing},
	{"TakenKey", nil, testTakenKey},
	{"InvalidKeys", nil, testInvalidKeys},
	{"Conflict", nil, testConflict},
	{"Deleted", nil, testDeleted},
	{"Expires", nil, testExpires},
	{"KeepExpiry", nil, testKeepExpiry},
	{"Expired", nil, testExpired},
	{"Clock", func(f *fixture) bool { return !f.OwnClock }, testClock},
	{"Damage", func(f *fixture) bool { return f.Options.Damage != nil }, testDamage},
	{"Writers", nil, testWriters},
	{"FailedUpdate", nil, testFailedUpdate},
	{"Creators", nil, testCreators},
	{"DeleteUnchanged", canDeleteUnchanged, testDeleteUnchanged},
	{"Scan", canScan, testScan},
	{"ScanEmpty", canScan, testScanEmpty},
	{"ScanRange", canScan, testScanRange},
	{"ScanNewest", canScan, testScanNewest},
	{"ScanParts", canScan, testScanParts},
	{"ScanDuringWrites", canScan, testScanDuringWrites},
	{"ScanDamage", func(f *fixture) bool { return canScan(f) && f.Options.Damage != nil }, testScanDamage},
	{"CannotScan", func(f *fixture) bool { return f.CannotScan }, testCannotScan},
	{"Origin", nil, testOrigin},
	{"ExpiryReader", readsExpiries, testExpiryReader},
	{"Check", nil, testCheck},
	{"Examine", examines, testExamine},
	{"Reopen", reopens, testReopen},
	{"SQLStore", isSQLStore, testSQLStore},
	{"Shards", isSharded, testShards},
	{"Counter", counts, testCounter},
	{"CreateAll", isBulk, testCreateAll},
	{"CreateMany", isBulk, testCreateMany},
	{"ReplaceAll", isBulk, testReplaceAll},
	{"ReplaceMany", isBulk, testReplaceMany},
	{"Live", isBulk, testLive},
	{"BulkWriters", isBulk, testBulkWriters},
	{"BulkCreators", isBulk, testBulkCreators},
	{"BulkEndedContext", isBulk, testBulkEnded},
	{"Evicts", isEvicter, testEvicts},
	{"ClearExpired", clears, testClearExpired},
	{"Size", isSizer, testSize},
}

// selfContainedTests are for stores whose keys are the sessions.
var selfContainedTests = []test{
	{"SelfContained", nil, testSelfContained},
}

func selfContained(store djsession.Store) bool {
	s, ok := store.(djsession.SelfContained)
	return ok && s.KeyIsSession()
}

// fixture is a test with its store.
type fixture struct {
	*testing.T
	Options
	store djsession.Store
	given *djsession.Settings // the settings that were passed to open
	clock *clock
}

func newFixture(t *testing.T, open func(*testing.T, *djsession.Settings) djsession.Store, o Options) *fixture {
	t.Helper()
	settings, err := djsession.NewSettings("5.2", secret)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, Options: o, given: settings, clock: &clock{now: time.Now()}}
	settings.Now = f.clock.Now
	if o.OwnClock {
		settings.Now = time.Now
	}
	if f.store = open(t, settings); f.store == nil {
		t.Fatal("open returned no store")
	}
	return f
}

// clock stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// values parses values from JSON as Python writes it.
func (f *fixture) values(json string) *djsession.Values {
	f.Helper()
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(json); err != nil {
		f.Fatal(err)
	}
	return v
}

// text is the reverse of values.
func (f *fixture) text(v *djsession.Values) string {
	f.Helper()
	if v == nil {
		f.Fatal("a record without values")
	}
	b, err := v.AppendPythonJSON(nil)
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// create stores a session. An empty key lets the store choose one.
func (f *fixture) create(key, json string) *djsession.Record {
	f.Helper()
	r, err := f.store.Create(f.Context(), key, f.values(json), time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// load loads a session that must be there.
func (f *fixture) load(key string) *djsession.Record {
	f.Helper()
	r, err := f.store.Load(f.Context(), key)
	if err != nil {
		f.Fatal(err)
	}
	if r.Key != key {
		f.Errorf("Load returned the record of another key: %q for %q", r.Key, key)
	}
	return r
}

// replace stores values in place of a record. A record without a Version is replaced at the
// second attempt: the first one is a conflict that carries what is stored.
func (f *fixture) replace(old *djsession.Record, json string) *djsession.Record {
	f.Helper()
	r, err := f.store.Replace(f.Context(), old, f.values(json), time.Time{})
	var conflict *djsession.ConflictError
	if old.Version == nil && errors.As(err, &conflict) {
		r, err = f.store.Replace(f.Context(), conflict.Current, f.values(json), time.Time{})
	}
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// holds checks what a session holds.
func (f *fixture) holds(key, want string) {
	f.Helper()
	if got := f.text(f.load(key).Values); got != want {
		f.Errorf("the session holds %s, want %s", got, want)
	}
}

// fails checks that an error is want and an OpError, which names the operation, shows the key in
// short, and holds no whole key.
func (f *fixture) fails(what, key string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("%s: the error is %v, want %v", what, err, want)
	}
	f.isOpError(what, key, err)
}

func (f *fixture) isOpError(what, key string, err error) {
	f.Helper()
	if err == nil {
		return
	}
	if leaks(err, key) {
		f.Errorf("%s: the error holds the whole key: %v", what, err)
	}
	var op *djsession.OpError
	switch {
	case f.PlainErrors:
	case !errors.As(err, &op):
		f.Errorf("%s: the error is no *djsession.OpError: %T %v", what, err, err)
	case op.Store == "" || op.Op == "" || op.Err == nil:
		f.Errorf("%s: the error does not say which operation of which store failed, and why: %#v", what, op)
	case key != "" && op.Key != djsession.ShortKey(key):
		f.Errorf("%s: the error names the session %q, want %q", what, op.Key, djsession.ShortKey(key))
	}
}

// leaks reports whether an error, or an error in it, shows a key that ShortKey would shorten.
func leaks(err error, key string) bool {
	if err == nil || djsession.ShortKey(key) == key {
		return false
	}
	if strings.Contains(fmt.Sprintf("%v %+v", err, err), key) {
		return true
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return leaks(e.Unwrap(), key)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if leaks(err, key) {
				return true
			}
		}
	}
	return false
}

func second(_ *djsession.Record, err error) error { return err }
