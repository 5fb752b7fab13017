package cachestore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/djsess/djsess/djsession"
)

// Scan yields the sessions of a range, in the order of the cache. If the cache cannot be
// enumerated, it yields an errors.ErrUnsupported.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	const op = "scan"
	return func(yield func(*djsession.Record, error) bool) {
		scanner, err := s.scanner(r)
		if err != nil {
			yield(nil, opError(op, "", err))
			return
		}
		for e, err := range scanner.Scan(ctx, Range{Prefix: s.keys.head + r.Prefix, Part: r.Part, Parts: r.Parts}) {
			switch {
			case e == nil:
				yield(nil, opError(op, "", err))
				return
			case e.Key == "" && r.Prefix != "":
				yield(nil, opError(op, "", fmt.Errorf("%s keeps only hashes of its keys, and cannot find a prefix: %w", s.cache, errors.ErrUnsupported)))
				return
			case !r.Expired && s.hasEnded(e):
				continue
			}
			if record, err := s.scanned(e, err); record != nil && !yield(record, err) {
				return
			}
		}
	}
}

// scanner returns the cache as a Scanner, if it can scan this range.
func (s *Store) scanner(r djsession.Range) (Scanner, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	scanner, ok := s.cache.(Scanner)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s cannot list its keys: %w", s.cache, errors.ErrUnsupported)
	case !s.keys.headKnown:
		return nil, fmt.Errorf("the KEY_FUNCTION hides the session keys: %w", errors.ErrUnsupported)
	}
	return scanner, nil
}

func (s *Store) hasEnded(e *Entry) bool {
	return e.Item != nil && !e.Item.Expires.IsZero() && !e.Item.Expires.After(s.settings().Now())
}

// scanned returns the record of an entry. If the entry cannot be read, it also returns an
// error. If the entry is not a session, both are nil.
func (s *Store) scanned(e *Entry, err error) (*djsession.Record, error) {
	const op = "scan"
	r := new(djsession.Record)
	if e.Key != "" {
		var ok bool
		if r.Key, ok = s.keys.sessionKey(e.Key); !ok {
			return nil, nil
		}
	} else {
		r.Name = e.Name
	}
	if e.Item != nil {
		r.Expires = e.Item.Expires
	}
	if err != nil {
		return r, opError(op, r.Key, err)
	}
	found, err := s.record(r.Key, e.Item)
	switch {
	case err == nil:
		found.Name = r.Name
		return found, nil
	case e.Key == "":
		return nil, nil // the site caches other things, too
	}
	return r, opError(op, r.Key, err)
}
