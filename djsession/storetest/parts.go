package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
)

// testScanParts tests that the parts of a scan together have each session once, whatever its key
// is, and that a scan refuses a part that does not exist.
func testScanParts(f *fixture) {
	keys := f.createMany()
	short := f.create("part0001", `{}`).Key
	keys = append(keys, short, f.create("part0002", `{}`).Key)
	for _, odd := range []string{"ABCDEFGH", "~~~~~~~~", "        x", "éééééééé", "aaaaaaaa", "zzzzzzzz", "zzzzzzzzzzzzzzz", "00000000", "-_:;,.!%", "日本語日本語日本語"} {
		switch r, err := f.store.Create(f.Context(), odd, nil, time.Time{}); {
		case err == nil:
			keys = append(keys, r.Key)
		case !errors.Is(err, djsession.ErrInvalidKey):
			f.Errorf("Create under the key %q: %v", odd, err)
		}
	}
	for _, parts := range []int{0, 1, 2, 7, 64, djsession.MaxParts} {
		f.hasParts(parts, "", keys)
	}
	f.hasPartsOfParts()
	if !f.NamesOnly {
		for _, parts := range []int{2, 7} {
			f.hasParts(parts, "part", keys)
			f.hasParts(parts, short, keys)
		}
	}
	for _, r := range []djsession.Range{{Part: 2, Parts: 2}, {Part: -1, Parts: 2}, {Part: 1}, {Parts: -1}, {Parts: djsession.MaxParts + 1}} {
		yielded := false
		for record, err := range f.store.(djsession.Scanner).Scan(f.Context(), r) {
			if yielded = true; record != nil || err == nil {
				f.Fatalf("Scan of part %d of %d yielded a session", r.Part, r.Parts)
			}
			f.isOpError("Scan", "", err)
		}
		if !yielded {
			f.Errorf("Scan of part %d of %d is no error", r.Part, r.Parts)
		}
	}
}

// hasParts checks that each key with a prefix is in exactly one of so many parts.
func (f *fixture) hasParts(parts int, prefix string, keys []string) {
	f.Helper()
	want := map[string]bool{}
	for _, key := range keys {
		if strings.HasPrefix(key, prefix) {
			want[key] = true
		}
	}
	in, largest := map[string]int{}, 0
	for part := range max(parts, 1) {
		found := f.scan(djsession.Range{Prefix: prefix, Part: part, Parts: parts})
		largest = max(largest, len(found))
		for _, key := range found {
			if before, twice := in[key]; twice {
				f.Errorf("a session is in the parts %d and %d of %d", before, part, parts)
			}
			if in[key] = part; !f.NamesOnly && !want[key] {
				f.Errorf("Scan of part %d of %d yielded the key %q with the prefix %q", part, parts, key, prefix)
			}
		}
	}
	if len(in) != len(want) {
		f.Errorf("%d parts have %d sessions with the prefix %q, want %d", parts, len(in), prefix, len(want))
	}
	if prefix == "" && parts > 1 && largest > many*3/4 {
		f.Errorf("one of %d parts has %d of %d sessions: the parts are not nearly equal", parts, largest, len(want))
	}
}

// hasPartsOfParts checks that part 1 of 2 is the parts 3, 4 and 5 of 6.
func (f *fixture) hasPartsOfParts() {
	f.Helper()
	whole := map[string]bool{}
	for _, key := range f.scan(djsession.Range{Part: 1, Parts: 2}) {
		whole[key] = true
	}
	found := 0
	for part := 3; part < 6; part++ {
		for _, key := range f.scan(djsession.Range{Part: part, Parts: 6}) {
			if found++; !whole[key] {
				f.Errorf("Scan of part %d of 6 yielded a session that is not in part 1 of 2", part)
			}
		}
	}
	if found != len(whole) {
		f.Errorf("the parts 3 to 5 of 6 have %d sessions, and part 1 of 2 has %d", found, len(whole))
	}
}
