package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// shortestPrefix is how much of a key it takes to ask for a session.
const shortestPrefix = 6

// find returns the live session of a key, or of the only key that begins so.
func (s *site) find(ctx context.Context, key string) (*djsession.Record, error) {
	if len(key) < shortestPrefix {
		return nil, configf("%s: want the whole KEY, or %d or more of its first characters", djsession.ShortKey(key), shortestPrefix)
	}
	invalid := djsession.ValidateKey(key)
	if invalid == nil {
		r, err := s.Load(ctx, key)
		if !errors.Is(err, djsession.ErrNotFound) {
			return r, hintAtForm(err, s.settings)
		}
	}
	if !alphanumeric(key) || len(key) >= keyLength { // none that Django makes is longer
		if invalid != nil {
			return nil, fmt.Errorf("%s: %w", djsession.ShortKey(key), invalid)
		}
		return nil, &hinted{noSession(key), s.cacheHint()}
	}
	return s.findPrefix(ctx, key)
}

func (s *site) findPrefix(ctx context.Context, prefix string) (*djsession.Record, error) {
	scanner, err := s.scanner()
	if err != nil {
		return nil, err
	}
	var found *djsession.Record
	var foundErr error
	for r, err := range scanner.Scan(ctx, djsession.Range{Prefix: prefix}) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return nil, &hinted{noSession(prefix), s.String() + " cannot be searched for the beginning of a key: give the whole one, which the cookie holds"}
		case err != nil && r == nil:
			return nil, err
		case found != nil:
			return nil, configf("%s: more than one live session has a key that begins so: give more of it", djsession.ShortKey(prefix))
		}
		found, foundErr = r, err
	}
	if found == nil {
		return nil, noSession(prefix)
	}
	return found, hintAtForm(foundErr, s.settings)
}

// cacheHint says what, in a cache, makes it look as if nothing were there.
func (s *site) cacheHint() string {
	if !s.isCache {
		return ""
	}
	return "or it is another cache's: are prefix and version those of the site's CACHES, and so are the rest of " + s.namedBy + "?"
}

func noSession(key string) error {
	return fmt.Errorf("%s: %w: it has expired, was deleted, or never was", djsession.ShortKey(key), djsession.ErrNotFound)
}

func alphanumeric(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}) < 0
}
