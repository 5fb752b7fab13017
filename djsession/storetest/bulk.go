package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/djsess/djsess/djsession"
)

// manyAtOnce is how many sessions are written in one call: several statements of any store.
const manyAtOnce = 1200

func isBulk(f *fixture) bool {
	_, ok := f.store.(djsession.BulkStore)
	return ok
}

func (f *fixture) createAll(records ...*djsession.Record) []djsession.BulkResult {
	f.Helper()
	results, err := f.store.(djsession.BulkStore).CreateAll(f.Context(), records)
	if err != nil || len(results) != len(records) {
		f.Fatalf("CreateAll of %d sessions returned %d results, %v", len(records), len(results), err)
	}
	return results
}

func (f *fixture) replaceAll(replacements ...djsession.Replacement) []djsession.BulkResult {
	f.Helper()
	results, err := f.store.(djsession.BulkStore).ReplaceAll(f.Context(), replacements)
	if err != nil || len(results) != len(replacements) {
		f.Fatalf("ReplaceAll of %d sessions returned %d results, %v", len(replacements), len(results), err)
	}
	return results
}

// record returns a session for CreateAll.
func (f *fixture) record(key, json string) *djsession.Record {
	f.Helper()
	return &djsession.Record{Key: key, Values: f.values(json)}
}

// replacement returns a session for ReplaceAll.
func (f *fixture) replacement(old *djsession.Record, json string) djsession.Replacement {
	f.Helper()
	return djsession.Replacement{Old: old, Values: f.values(json)}
}

// wrote checks that a session was written, and that its record can be replaced.
func (f *fixture) wrote(what string, r djsession.BulkResult, key, json string) {
	f.Helper()
	if r.Err != nil || r.Record == nil {
		f.Errorf("%s: %+v", what, r)
		return
	}
	if r.Record.Key != key && key != "" || f.text(r.Record.Values) != json || r.Record.Origin != (djsession.Origin{}) {
		f.Errorf("%s returned %s under %q, want %s under %q", what, f.text(r.Record.Values), r.Record.Key, json, key)
	}
	f.holds(r.Record.Key, json)
}

// failed checks that a session was not written.
func (f *fixture) failed(what string, r djsession.BulkResult, key string, want error) {
	f.Helper()
	if r.Record != nil {
		f.Errorf("%s returned a record and the error %v", what, r.Err)
	}
	f.fails(what, key, r.Err, want)
}

// invalidKeys are keys that no session can have.
var invalidKeys = []string{"short", strings.Repeat("x", 41), "abcdefgh\x00", "abcdefgh\xff"}

// badExpiry is a session that cannot be stored unless its expiry is given.
const badExpiry = `{"_session_expiry":"no time at all"}`

// testCreateAll tests that each session of a call is stored, or refused as by Create, independently
// of the others.
func testCreateAll(f *fixture) {
	if results := f.createAll(); len(results) != 0 {
		f.Errorf("CreateAll of no sessions returned %d results", len(results))
	}
	f.wrote("CreateAll of one session", f.createAll(f.record("firstsession", `{"a":1}`))[0], "firstsession", `{"a":1}`)

	ends := f.given.Now().Add(3 * time.Hour)
	records := []*djsession.Record{
		f.record("newsession2", `{"b":2}`),
		f.record("firstsession", `{"b":2}`),
		f.record("newsession1", `{"c":"\u017c"}`),
		f.record("badexpiry", badExpiry),
		f.record("newsession2", `{"second":2}`),
		{Key: "emptysession"},
		{Key: "withexpiry", Values: f.values(`{}`), Expires: ends},
		f.record("", `{"chosen":1}`),
	}
	for _, key := range invalidKeys {
		records = append(records, f.record(key, `{}`))
	}
	results := f.createAll(records...)
	f.wrote("CreateAll", results[0], "newsession2", `{"b":2}`)
	f.failed("CreateAll of a taken key", results[1], "firstsession", djsession.ErrKeyTaken)
	f.wrote("CreateAll", results[2], "newsession1", `{"c":"\u017c"}`)
	f.failed("CreateAll of a bad expiry", results[3], "badexpiry", djsession.ErrInvalidExpiry)
	f.failed("CreateAll of a key twice", results[4], "newsession2", djsession.ErrKeyTaken)
	f.wrote("CreateAll without values", results[5], "emptysession", `{}`)
	f.wrote("CreateAll with an expiry", results[6], "withexpiry", `{}`)
	f.wrote("CreateAll without a key", results[7], "", `{"chosen":1}`)
	for i, key := range invalidKeys {
		f.failed(fmt.Sprintf("CreateAll of the key %q", key), results[8+i], key, djsession.ErrInvalidKey)
	}
	f.holds("firstsession", `{"a":1}`)
	f.fails("Load", "badexpiry", second(f.store.Load(f.Context(), "badexpiry")), djsession.ErrNotFound)
	if r := results[6].Record; r != nil && !nearly(r.Expires, ends) {
		f.Errorf("CreateAll says that the session ends %v, want %v", r.Expires, ends)
	}
	f.replace(results[0].Record, `{"b":3}`) // nobody has changed it
	if !f.ForgetsExpired {
		dead := f.create("deadsession", `{"_session_expiry":-300}`).Key
		f.failed("CreateAll of the key of an expired session", f.createAll(f.record(dead, `{}`))[0], dead, djsession.ErrKeyTaken)
	}
}

// testCreateMany tests a call with more sessions than fit into one statement. Every third key is
// taken.
func testCreateMany(f *fixture) {
	var records, taken []*djsession.Record
	for i := range manyAtOnce {
		records = append(records, f.record(djsession.NewKey(), fmt.Sprintf(`{"i":%d}`, i)))
		if i%3 == 0 {
			taken = append(taken, f.record(records[i].Key, `{"taken":1}`))
		}
	}
	for _, r := range f.createAll(taken...) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
	}
	for i, r := range f.createAll(records...) {
		key := records[i].Key
		switch {
		case i%3 == 0:
			f.failed("CreateAll", r, key, djsession.ErrKeyTaken)
		case r.Err != nil || r.Record.Key != key:
			f.Errorf("CreateAll of session %d: %+v", i, r)
		}
		if i%50 < 2 {
			f.holds(key, map[bool]string{true: `{"taken":1}`, false: fmt.Sprintf(`{"i":%d}`, i)}[i%3 == 0])
		}
	}
}

// testReplaceAll tests that each session of a call is replaced, or refused as by Replace,
// independently of the others.
func testReplaceAll(f *fixture) {
	ctx := f.Context()
	if results := f.replaceAll(); len(results) != 0 {
		f.Errorf("ReplaceAll of no sessions returned %d results", len(results))
	}
	one := f.create("", `{"n":1}`)
	results := f.replaceAll(f.replacement(one, `{"n":2}`))
	f.wrote("ReplaceAll of one session", results[0], one.Key, `{"n":2}`)

	// It is a conflict even if the new values equal the stored ones.
	for _, json := range []string{`{"n":2}`, `{"n":1}`, `{"n":5}`} {
		err := f.replaceAll(f.replacement(one, json))[0].Err
		f.conflicts("ReplaceAll", one.Key, err, `{"n":2}`)
	}

	same, free, changed, gone, ended := f.create("", `{"n":1}`), f.create("", `{"n":1}`), f.create("", `{"n":1}`), f.create("", `{"n":1}`), f.create("", `{"n":1}`)
	f.replace(f.load(changed.Key), `{"n":"theirs"}`)
	if err := f.store.Delete(ctx, gone.Key); err != nil {
		f.Fatal(err)
	}
	if _, err := f.store.Replace(ctx, f.load(ended.Key), nil, f.given.Now().Add(-time.Hour)); err != nil {
		f.Fatal(err)
	}
	unknown := &djsession.Record{Key: f.create("", `{"n":1}`).Key}
	missing := &djsession.Record{Key: "akeythatnobodyhasevercreated", Values: new(djsession.Values), Version: one.Version}
	replacements := []djsession.Replacement{
		f.replacement(f.load(free.Key), `{"n":2}`),
		f.replacement(changed, `{"n":2}`),
		f.replacement(results[0].Record, `{"n":3}`),
		f.replacement(gone, `{"n":2}`),
		{Old: same, Values: same.Values, Expires: same.Expires},
		f.replacement(ended, `{"n":2}`),
		f.replacement(f.create("", `{"n":1}`), badExpiry),
		f.replacement(unknown, `{"n":2}`),
		f.replacement(missing, `{"n":2}`),
		f.replacement(results[0].Record, `{"n":4}`),
	}
	for _, key := range invalidKeys {
		replacements = append(replacements, f.replacement(&djsession.Record{Key: key, Version: one.Version}, `{}`))
	}
	results = f.replaceAll(replacements...)
	f.wrote("ReplaceAll", results[0], free.Key, `{"n":2}`)
	f.conflicts("ReplaceAll of a changed session", changed.Key, results[1].Err, `{"n":"theirs"}`)
	f.wrote("ReplaceAll", results[2], one.Key, `{"n":3}`)
	f.failed("ReplaceAll of a deleted session", results[3], gone.Key, djsession.ErrNotFound)
	f.wrote("ReplaceAll by the same values", results[4], same.Key, `{"n":1}`)
	f.failed("ReplaceAll of a session that another writer has ended", results[5], ended.Key, djsession.ErrNotFound)
	f.failed("ReplaceAll by a bad expiry", results[6], replacements[6].Old.Key, djsession.ErrInvalidExpiry)
	f.conflicts("ReplaceAll of a record without a Version", unknown.Key, results[7].Err, `{"n":1}`)
	f.failed("ReplaceAll of a session that was never stored", results[8], missing.Key, djsession.ErrNotFound)
	f.conflicts("ReplaceAll of a session twice", one.Key, results[9].Err, `{"n":3}`)
	for i, key := range invalidKeys {
		f.failed(fmt.Sprintf("ReplaceAll of the key %q", key), results[10+i], key, djsession.ErrInvalidKey)
	}
	f.holds(changed.Key, `{"n":"theirs"}`)
	f.fails("Load", gone.Key, second(f.store.Load(ctx, gone.Key)), djsession.ErrNotFound)
	f.replace(results[0].Record, `{"n":3}`)
}

// testReplaceMany tests a call with more sessions than fit into one statement. Another writer has
// changed every tenth.
func testReplaceMany(f *fixture) {
	var records []*djsession.Record
	for i := range manyAtOnce {
		records = append(records, f.record(djsession.NewKey(), fmt.Sprintf(`{"i":%d}`, i)))
	}
	var replacements []djsession.Replacement
	for i, r := range f.createAll(records...) {
		if r.Err != nil {
			f.Fatal(r.Err)
		}
		if i%10 == 0 {
			f.replace(r.Record, `{"theirs":1}`)
		}
		replacements = append(replacements, f.replacement(r.Record, fmt.Sprintf(`{"ours":%d}`, i)))
	}
	for i, r := range f.replaceAll(replacements...) {
		key := records[i].Key
		switch {
		case i%10 == 0:
			f.conflicts("ReplaceAll", key, r.Err, `{"theirs":1}`)
		case r.Err != nil || r.Record.Key != key:
			f.Errorf("ReplaceAll of session %d: %+v", i, r)
		}
		if i%50 < 2 {
			f.holds(key, map[bool]string{true: `{"theirs":1}`, false: fmt.Sprintf(`{"ours":%d}`, i)}[i%10 == 0])
		}
	}
}

func testLive(f *fixture) {
	live := func(keys ...string) []bool {
		f.Helper()
		found, err := f.store.(djsession.BulkStore).Live(f.Context(), keys)
		if err != nil || len(found) != len(keys) {
			f.Fatalf("Live of %d keys: %d results, %v", len(keys), len(found), err)
		}
		return found
	}
	live()
	one, other := f.create("abcdefgh", `{"a":1}`).Key, f.create("", `{}`).Key
	dead := f.create("deadsession", `{"_session_expiry":-300}`).Key
	keys := []string{one, "akeythatnobodyhasevercreated", "ABCDEFGH", other, one, "abcdefgh "}
	want := []bool{true, false, false, true, true, false}
	if !f.NumberNeverEnds {
		keys, want = append(keys, dead), append(want, false)
	}
	keys, want = append(keys, invalidKeys...), append(want, make([]bool, len(invalidKeys))...)
	for i, found := range live(append(keys, "")...) {
		if found != append(want, false)[i] {
			f.Errorf("Live of the key %q is %v", append(keys, "")[i], found)
		}
	}
	var all []string
	for i := range manyAtOnce {
		all = append(all, djsession.NewKey())
		if i%400 == 7 {
			f.create(all[i], `{}`)
		}
	}
	for i, found := range live(all...) {
		if found != (i%400 == 7) {
			f.Errorf("Live of the key number %d is %v", i, found)
		}
	}
}

// testBulkWriters tests that no change is lost and none is made twice when ReplaceAll and
// djsession.Update change the same sessions. Each writer counts its own changes in the sessions. A
// database that does not say which rows it has changed may return an ErrOutcomeUnknown.
func testBulkWriters(f *fixture) {
	const sessions, rounds, writers = 20, 10, 3
	var keys []string
	for range sessions {
		keys = append(keys, f.create("", `{}`).Key)
	}
	made, unknown := make([]map[string]int, 2*writers), make([]map[string]int, 2*writers)
	var all sync.WaitGroup
	for n := range writers {
		made[n], made[writers+n], unknown[n] = map[string]int{}, map[string]int{}, map[string]int{}
		all.Go(func() { f.changeInBulk(keys, rounds, fmt.Sprint("bulk", n), made[n], unknown[n]) })
		all.Go(func() {
			for i := range rounds * 3 {
				key, name := keys[(i*7+n)%sessions], fmt.Sprint("single", n)
				_, err := djsession.Update(f.Context(), f.store, key, func(v *djsession.Values) error { return increment(v, name) })
				if err != nil {
					f.Errorf("djsession.Update: %v", err)
					return
				}
				made[writers+n][key]++
			}
		})
	}
	all.Wait()
	for _, key := range keys {
		values := f.load(key).Values
		for n, changes := range made {
			name := fmt.Sprint(map[bool]string{true: "bulk", false: "single"}[n < writers], n%writers)
			var stored int
			if values.Has(name) {
				if err := values.Get(name, &stored); err != nil {
					f.Fatal(err)
				}
			}
			if stored < changes[key] || stored > changes[key]+unknown[n][key] {
				f.Errorf("a session holds %d changes of %s, which has made %d, and %d of which it does not know", stored, name, changes[key], unknown[n][key])
			}
		}
	}
}

// changeInBulk changes all sessions in one call, as often as rounds says. It counts the changes that
// were made, and those whose outcome is unknown.
func (f *fixture) changeInBulk(keys []string, rounds int, name string, made, unknown map[string]int) {
	for range rounds {
		var replacements []djsession.Replacement
		for _, key := range keys {
			old, err := f.store.Load(f.Context(), key)
			if err != nil {
				f.Errorf("Load: %v", err)
				return
			}
			v := old.Values.Clone()
			if err := increment(v, name); err != nil {
				f.Error(err)
				return
			}
			replacements = append(replacements, djsession.Replacement{Old: old, Values: v})
		}
		results, err := f.store.(djsession.BulkStore).ReplaceAll(f.Context(), replacements)
		if err != nil {
			f.Errorf("ReplaceAll: %v", err)
			return
		}
		for i, r := range results {
			switch {
			case r.Err == nil:
				made[keys[i]]++
			case errors.Is(r.Err, djsession.ErrOutcomeUnknown):
				unknown[keys[i]]++
			case !errors.Is(r.Err, djsession.ErrConflict):
				f.Errorf("ReplaceAll: %v", r.Err)
			}
		}
	}
}

func increment(v *djsession.Values, name string) error {
	var n int
	if v.Has(name) {
		if err := v.Get(name, &n); err != nil {
			return err
		}
	}
	return v.Set(name, n+1)
}

// testBulkCreators tests that only one of several goroutines gets each key.
func testBulkCreators(f *fixture) {
	var records []*djsession.Record
	for range 30 {
		records = append(records, f.record(djsession.NewKey(), `{}`))
	}
	const goroutines = 4
	created := make([][]djsession.BulkResult, goroutines)
	var all sync.WaitGroup
	for n := range goroutines {
		all.Go(func() {
			var err error
			if created[n], err = f.store.(djsession.BulkStore).CreateAll(f.Context(), records); err != nil {
				f.Errorf("CreateAll: %v", err)
			}
		})
	}
	all.Wait()
	for i, r := range records {
		n := 0
		for _, results := range created {
			switch {
			case len(results) != len(records):
			case results[i].Err == nil:
				n++
			case !errors.Is(results[i].Err, djsession.ErrKeyTaken):
				f.Errorf("CreateAll: %v", results[i].Err)
			}
		}
		if n != 1 {
			f.Errorf("%d goroutines created the session of one key", n)
		}
		f.load(r.Key)
	}
}

// testBulkEnded tests that with a context that has ended nothing is written, and that the error is
// not that of one session.
func testBulkEnded(f *fixture) {
	r := f.create("", `{"a":1}`)
	ended, cancel := context.WithCancel(f.Context())
	cancel()
	store := f.store.(djsession.BulkStore)
	_, err := store.CreateAll(ended, []*djsession.Record{f.record("newsession", `{}`)})
	f.fails("CreateAll", "", err, context.Canceled)
	_, err = store.ReplaceAll(ended, []djsession.Replacement{f.replacement(r, `{"a":2}`)})
	f.fails("ReplaceAll", "", err, context.Canceled)
	_, err = store.Live(ended, []string{r.Key})
	f.fails("Live", "", err, context.Canceled)
	f.holds(r.Key, `{"a":1}`)
	f.fails("Load", "newsession", second(f.store.Load(f.Context(), "newsession")), djsession.ErrNotFound)
}

func isEvicter(f *fixture) bool {
	_, ok := f.store.(djsession.Evicter)
	return ok
}

// testEvicts tests that Evicts answers. What it says depends on how the test has opened the store.
func testEvicts(f *fixture) {
	evicter := f.store.(djsession.Evicter)
	for range 2 {
		if reason, err := evicter.Evicts(f.Context()); err != nil || strings.TrimSpace(reason) != reason {
			f.Errorf("Evicts returned %q, %v", reason, err)
		}
	}
}
