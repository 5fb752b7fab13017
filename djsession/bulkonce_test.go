package djsession_test

import (
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// Every session of a bulk write is written once. The store reports its success, or an
// ErrOutcomeUnknown.
func TestBulkWritesAreMadeOnce(t *testing.T) {
	onEachOnce(t, func(t *testing.T, kind onceKind, s *onceSite, late bool) {
		bulk, ok := s.store.(djsession.BulkStore)
		if !ok || kind.equal {
			return
		}
		ctx := t.Context()
		var records []*djsession.Record
		for range 3 {
			records = append(records, &djsession.Record{Key: djsession.NewKey(), Values: fixture.Values(t, `{"n":0}`)})
		}
		before := s.count(t)
		s.arm(kind.create, late)
		results, err := bulk.CreateAll(ctx, records)
		if err != nil {
			t.Fatal(err)
		}
		s.settled(t, "create")
		var replacements []djsession.Replacement
		for i, r := range results {
			if r.Err != nil {
				t.Fatalf("create: %v", r.Err)
			}
			if got := holds(t, s.direct, records[i].Key); got != `{"n":0}` {
				t.Errorf("create: stored is %s", got)
			}
			replacements = append(replacements, djsession.Replacement{Old: r.Record, Values: fixture.Values(t, `{"n":1}`)})
		}
		if n := s.count(t) - before; n != len(records) {
			t.Errorf("create: %d sessions more, want %d", n, len(records))
		}

		if _, err := djsession.Update(ctx, s.direct, records[1].Key, addOne); err != nil {
			t.Fatal(err)
		}
		s.arm(kind.replace, late)
		if results, err = bulk.ReplaceAll(ctx, replacements); err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if late || i == 1 {
				wantUnknown(t, "replace", r.Err)
			} else if r.Err != nil {
				t.Errorf("replace: %v", r.Err)
			}
		}
		s.settled(t, "replace")
		for _, r := range records {
			s.inTheEnd(t, "replace", r.Key, `{"n":1}`)
		}
		for i, r := range results {
			if r.Err == nil {
				if _, err := s.store.Replace(ctx, r.Record, fixture.Values(t, `{"n":2}`), r.Record.Expires); err != nil {
					t.Errorf("replace: the record number %d cannot be used: %v", i, err)
				}
			}
		}
	})
}
