package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/djsess/djsess/djsession"
)

// many is how many sessions the scans have: several pages of any store.
const many = 300

func canScan(f *fixture) bool {
	_, ok := f.store.(djsession.Scanner)
	return ok && !f.CannotScan
}

// scan returns the keys in a range in the order of the store. If the store has only names, it
// returns those.
func (f *fixture) scan(r djsession.Range) []string {
	f.Helper()
	var found []string
	for record, err := range f.store.(djsession.Scanner).Scan(f.Context(), r) {
		if err != nil {
			f.Fatalf("Scan of %+v: %v", r, err)
		}
		if f.NamesOnly != (record.Key == "") || f.NamesOnly != (record.Name != "") {
			f.Fatalf("Scan yielded the key %q and the name %q", record.Key, record.Name)
		}
		found = append(found, record.Key+record.Name)
	}
	return found
}

// finds checks that a scan finds these sessions, in any order, and each of them once.
func (f *fixture) finds(what string, r djsession.Range, want []string) {
	f.Helper()
	found := f.scan(r)
	if f.NamesOnly {
		slices.Sort(found)
		if once := slices.Compact(found); len(found) != len(want) || len(once) != len(want) {
			f.Errorf("Scan of %s yielded %d sessions, want %d", what, len(found), len(want))
		}
		return
	}
	sorted := slices.Sorted(slices.Values(found))
	if !slices.Equal(sorted, slices.Sorted(slices.Values(want))) {
		f.Errorf("Scan of %s yielded %d sessions, want %d: %.200q", what, len(found), len(want), found)
	}
}

func (f *fixture) createMany() (keys []string) {
	f.Helper()
	for i := range many {
		keys = append(keys, f.create("", fmt.Sprintf(`{"i":%d}`, i)).Key)
	}
	return keys
}

func testScan(f *fixture) {
	keys := f.createMany()
	f.finds("all", djsession.Range{}, keys)
	f.finds("all and the expired ones", djsession.Range{Expired: true}, keys)
	for range 25 { // more than a pool has connections
		for r, err := range f.store.(djsession.Scanner).Scan(f.Context(), djsession.Range{}) {
			if err != nil {
				f.Fatal(err)
			}
			if got := f.text(r.Values); len(got) < len(`{"i":0}`) || r.Origin.Form == "" {
				f.Errorf("Scan yielded %s of the origin %+v", got, r.Origin)
			}
			break
		}
	}
	f.replace(f.load(keys[0]), `{"after":1}`) // nothing is left open or locked
	f.holds(keys[0], `{"after":1}`)
}

func testScanEmpty(f *fixture) {
	f.finds("an empty store", djsession.Range{}, nil)
	f.finds("an empty store", djsession.Range{Expired: true}, nil)
	f.finds("an empty store", djsession.Range{Newest: 5}, nil)
}

func testScanRange(f *fixture) {
	ctx := f.Context()
	live := []string{f.create("abcdefgh1", `{}`).Key, f.create("abcdefgh2", `{}`).Key}
	other := f.create("abcxefgh3", `{}`).Key
	dead := f.create("abcdefgh4", `{"_session_expiry":-300}`).Key
	all, stored := append(live[:2:2], other), append(live[:2:2], dead)
	f.finds("the live sessions", djsession.Range{}, all)
	if !f.ForgetsExpired {
		f.finds("all sessions", djsession.Range{Expired: true}, append(all[:3:3], dead))
	}
	if f.NamesOnly {
		for _, err := range f.store.(djsession.Scanner).Scan(ctx, djsession.Range{Prefix: "abcd"}) {
			f.fails("Scan of a prefix", "", err, errors.ErrUnsupported)
		}
		return
	}
	f.finds("a prefix", djsession.Range{Prefix: "abcd"}, live)
	if !f.ForgetsExpired {
		f.finds("a prefix, with the expired sessions", djsession.Range{Prefix: "abcd", Expired: true}, stored)
	}
	f.finds("a whole key", djsession.Range{Prefix: live[0]}, live[:1])
	f.finds("a prefix in other letters", djsession.Range{Prefix: "ABCD"}, nil)
	f.finds("a prefix that no key has", djsession.Range{Prefix: "zz"}, nil)
	for _, prefix := range []string{"a%", "a_", "a*", "a[b]", "a\\", "a/", "é", "a\x00"} {
		yielded := false
		for r, err := range f.store.(djsession.Scanner).Scan(ctx, djsession.Range{Prefix: prefix}) {
			yielded = true
			if r != nil {
				f.Errorf("Scan of the prefix %q yielded a record", prefix)
			}
			f.fails(fmt.Sprintf("Scan of the prefix %q", prefix), "", err, djsession.ErrInvalidKey)
		}
		if !yielded {
			f.Errorf("Scan of the prefix %q is no error", prefix)
		}
	}
}

// testScanNewest tests Range.Newest, which a store may ignore.
func testScanNewest(f *fixture) {
	var keys []string
	for i := range 20 {
		r, err := f.store.Create(f.Context(), "", nil, f.given.Now().Add(time.Duration((i*7)%20+1)*time.Hour))
		if err != nil {
			f.Fatal(err)
		}
		keys = append(keys, r.Key)
	}
	found := f.scan(djsession.Range{Newest: 3})
	if len(found) == len(keys) {
		return // it ignores Newest
	}
	if len(found) != 3 {
		f.Fatalf("Scan of the newest 3 sessions yielded %d of %d", len(found), len(keys))
	}
	if f.NamesOnly {
		return
	}
	for i, key := range found {
		if n := slices.Index(keys, key); (n*7)%20 != 19-i {
			f.Errorf("Scan of the newest 3 sessions yielded as the %d. one the session that is the %d. by its end", i+1, 20-(n*7)%20)
		}
	}
}

// testScanDuringWrites tests that a scan blocks no other user of the store, and yields each
// session that is there during the whole scan.
func testScanDuringWrites(f *fixture) {
	ctx := f.Context()
	keys := f.createMany()
	seen := map[string]bool{}
	i := 0
	for r, err := range f.store.(djsession.Scanner).Scan(ctx, djsession.Range{}) {
		if err != nil {
			f.Fatal(err)
		}
		if f.NamesOnly {
			key := keys[0] // as it is not known which session this is
			f.replace(f.load(key), fmt.Sprintf(`{"round":%d}`, i))
			seen[r.Name] = true
			continue
		}
		if seen[r.Key] {
			continue // it was written since
		}
		if len(seen) == 0 {
			for i, key := range keys {
				if key != r.Key && i%4 == 0 {
					f.replace(f.load(key), `{"written":0}`) // before it is yielded
				}
			}
		}
		seen[r.Key] = true
		switch i++; i % 3 {
		case 0:
			if err := f.store.Delete(ctx, r.Key); err != nil {
				f.Errorf("Delete during a scan: %v", err)
			}
		case 1:
			f.replace(f.load(r.Key), `{"written":1}`)
		}
	}
	if len(seen) != len(keys) {
		f.Errorf("Scan yielded %d sessions of %d", len(seen), len(keys))
	}
}

func testCannotScan(f *fixture) {
	f.create("", `{}`)
	yielded := false
	for r, err := range f.store.(djsession.Scanner).Scan(f.Context(), djsession.Range{}) {
		yielded = true
		if r != nil {
			f.Errorf("Scan yielded a record")
		}
		f.fails("Scan", "", err, errors.ErrUnsupported)
	}
	if !yielded {
		f.Error("Scan yielded nothing, want an errors.ErrUnsupported")
	}
}
