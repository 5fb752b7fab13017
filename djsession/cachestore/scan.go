package cachestore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// Scan yields the sessions of a range in the cache's own order. A cache that cannot be
// enumerated is an errors.ErrUnsupported.
func (s *Store) Scan(ctx context.Context, r djsession.Range) iter.Seq2[*djsession.Record, error] {
	return func(yield func(*djsession.Record, error) bool) {
		scanner, err := s.scanner(r)
		if err != nil {
			yield(nil, wrap("scan", "", err))
			return
		}
		for e, err := range scanner.Scan(ctx, s.keys.head+r.Prefix) {
			switch {
			case e == nil:
				yield(nil, wrap("scan", "", err))
				return
			case e.Key == "" && r.Prefix != "":
				yield(nil, wrap("scan", "", fmt.Errorf("%s does not tell which keys begin so: %w", s.cache, errors.ErrUnsupported)))
				return
			case !r.Expired && s.hasEnded(e):
				continue
			}
			if record, err := s.entry(e, err); record != nil && !yield(record, err) {
				return
			}
		}
	}
}

// scanner is the cache as one that can be enumerated.
func (s *Store) scanner(r djsession.Range) (Scanner, error) {
	scanner, ok := s.cache.(Scanner)
	switch {
	case strings.IndexFunc(r.Prefix, notAlphanumeric) >= 0:
		return nil, fmt.Errorf("prefix: %w: it holds more than letters and digits", djsession.ErrInvalidKey)
	case !ok:
		return nil, fmt.Errorf("%s cannot enumerate what it holds: %w", s.cache, errors.ErrUnsupported)
	case !s.keys.known:
		return nil, fmt.Errorf("the KEY_FUNCTION does not let session keys be seen in cache keys: %w", errors.ErrUnsupported)
	}
	return scanner, nil
}

func notAlphanumeric(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
}

func (s *Store) hasEnded(e *Entry) bool {
	return e.Item != nil && !e.Item.Expires.IsZero() && !e.Item.Expires.After(s.settings().Now())
}

// entry makes a record of what is stored under a key, or of why it cannot be read;
// none if it is no session.
func (s *Store) entry(e *Entry, err error) (*djsession.Record, error) {
	r := new(djsession.Record)
	if e.Key != "" {
		var ok bool
		if r.Key, ok = s.keys.session(e.Key); !ok {
			return nil, nil
		}
	} else {
		r.Name = e.Name
	}
	if e.Item != nil {
		r.Expires = e.Item.Expires
	}
	if err != nil {
		return r, wrap("scan", r.Key, err)
	}
	found, err := s.record(r.Key, e.Item)
	switch {
	case err == nil:
		found.Name = r.Name
		return found, nil
	case e.Key == "":
		return nil, nil // something else that the site caches
	}
	return r, wrap("scan", r.Key, err)
}
