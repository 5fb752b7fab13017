package djsession

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Scan yields the sessions of the store that is read. In the phase ReadNewElseOld, those that are
// only in the old store follow: the live ones, since an expired session may be in both. Each of these takes a
// load from the new store. The newest sessions are those of the store that is read first: a Manager takes them for a proof
// that this store is the site's.
func (t *transition) Scan(ctx context.Context, r Range) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		readers := t.readers()
		if r.Newest > 0 {
			readers = readers[:1]
		}
		for i, s := range readers {
			scanner, ok := s.Store.(Scanner)
			switch {
			case !ok && i > 0:
				return // the new store has been enumerated
			case !ok:
				yield(nil, &OpError{Store: "djsession", Op: "scan", Err: fmt.Errorf("the %s store: %w", s.name, errors.ErrUnsupported)})
				return
			}
			r.Expired = r.Expired && i == 0
			for record, err := range scanner.Scan(ctx, r) {
				switch {
				case i > 0 && errors.Is(err, errors.ErrUnsupported):
					return
				case record == nil:
					yield(nil, err)
					return
				case i > 0 && t.isInNew(ctx, record):
					continue
				}
				if !yield(seen(s, record), err) {
					return
				}
			}
		}
	}
}

// isInNew reports whether the new store has a session of the old one. It returns true for a record without a
// key, which cannot be looked up.
func (t *transition) isInNew(ctx context.Context, r *Record) bool {
	if r.Key == "" {
		return true
	}
	_, err := t.new.Load(ctx, r.Key)
	return !errors.Is(err, ErrNotFound)
}

// Expires returns when a session ends, by the store that has it.
func (t *transition) Expires(ctx context.Context, key string) (expires time.Time, err error) {
	for _, s := range t.readers() {
		if reader, ok := s.Store.(ExpiryReader); ok {
			expires, err = reader.Expires(ctx, key)
		} else {
			var r *Record
			if r, err = s.Load(ctx, key); err == nil {
				expires = r.Expires
			}
		}
		if !errors.Is(err, ErrNotFound) {
			return expires, err
		}
	}
	return expires, err
}

// checkedCopies is how many sessions Check looks for in the other store.
const checkedCopies = 20

// Check returns what is wrong with either store. In the phases that write both, it also returns an error if the
// newest sessions have no copies: then this is not the site's other store, or Django is not in this phase.
func (t *transition) Check(ctx context.Context) (found []error) {
	for _, s := range []*side{t.old, t.new} {
		if checker, ok := s.Store.(Checker); ok {
			for _, err := range checker.Check(ctx) {
				found = append(found, fmt.Errorf("the %s store: %w", s.name, err))
			}
		}
	}
	if len(found) == 0 {
		if err := t.checkCopies(ctx); err != nil {
			found = append(found, err)
		}
	}
	return found
}

// checkCopies returns an error if the phase writes both stores, and the newest sessions have no copies.
func (t *transition) checkCopies(ctx context.Context) error {
	if t.phase == ReadOldUpdateNew {
		return nil
	}
	n := t.uncopied(ctx)
	if n == 0 {
		return nil
	}
	from := t.first()
	return fmt.Errorf("djsession: transition: none of the %d newest sessions of the %s store is in the %s store: "+
		"is it the site's, and is Django in phase %d?", n, from.name, t.other(from).name, t.phase)
}

// Examine returns what both stores find, and what Check finds.
func (t *transition) Examine(ctx context.Context) (results []CheckResult) {
	for _, s := range []*side{t.old, t.new} {
		if examiner, ok := s.Store.(Examiner); ok {
			for _, r := range examiner.Examine(ctx) {
				r.Text = "the " + s.name + " store: " + r.Text
				results = append(results, r)
			}
		}
	}
	if err := t.checkCopies(ctx); err != nil {
		r := ErrorResult("copies", CheckWarns, err) // perhaps nothing may be copied yet: see mayCopy
		r.Remedy = "compare the phases of all processes, and run djsess migrate"
		return append(results, r)
	}
	return append(results, CheckResult{Check: "copies", Status: CheckOK, Text: "both stores have the newest sessions, if this phase writes both"})
}

// uncopied returns how many of the newest sessions have no copy, or 0 if one of them has.
func (t *transition) uncopied(ctx context.Context) (n int) {
	from := t.first()
	scanner, ok := from.Store.(Scanner)
	if !ok {
		return 0
	}
	for r, err := range scanner.Scan(ctx, Range{Newest: checkedCopies}) {
		switch {
		case r == nil:
			return 0 // Manager.Check reports that
		case err != nil || r.Key == "":
			continue
		}
		if _, err := t.other(from).Load(ctx, r.Key); !errors.Is(err, ErrNotFound) {
			return 0
		}
		if n++; n == checkedCopies {
			break
		}
	}
	return n
}

// IsUnsigned reports whether no store that is read signs its sessions.
func (t *transition) IsUnsigned() bool {
	for _, s := range t.readers() {
		if !isUnsigned(s) {
			return false
		}
	}
	return true
}

// Shard, Shards and Misplaced are those of the store that is read first.
func (t *transition) Shard(key string) string {
	if s, ok := t.first().Store.(Sharded); ok {
		return s.Shard(key)
	}
	return ""
}

func (t *transition) Shards() int {
	if s, ok := t.first().Store.(Sharded); ok {
		return s.Shards()
	}
	return 1
}

func (t *transition) Misplaced(ctx context.Context, key string) (string, error) {
	if s, ok := t.first().Store.(Sharded); ok {
		return s.Misplaced(ctx, key)
	}
	return "", nil
}

// String names the phase and both stores.
func (t *transition) String() string {
	return fmt.Sprintf("transition in phase %d from %v to %v", t.phase, t.old.Store, t.new.Store)
}
