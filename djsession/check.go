package djsession

import (
	"context"
	"fmt"
)

// checkSample is how many sessions are tried before the settings are blamed.
const checkSample = 1000

// OpensSome tries to open live sessions of a store, and tells whether one opened.
// When there are some and none of the first 1000 opens, it is an error: the
// settings are not those of the site (SECRET_KEY, DJANGO_VERSION), or the store
// is not. A store with no live session, or whose sessions cannot be enumerated,
// is no error.
func OpensSome(ctx context.Context, store Store) (bool, error) {
	return opensSome(ctx, store, Range{}, func(string) bool { return false })
}

// opensSome passes by the sessions that skip says.
func opensSome(ctx context.Context, store Store, in Range, skip func(key string) bool) (bool, error) {
	scanner, ok := store.(Scanner)
	if !ok {
		return false, nil
	}
	tried, skipped := 0, 0
	var refused error
	for r, err := range scanner.Scan(ctx, in) {
		switch {
		case r == nil:
			return false, err
		case err != nil:
			tried, refused = tried+1, err
		case skip(r.Key):
			skipped++
		default:
			return true, nil
		}
		if tried+skipped == checkSample {
			break
		}
	}
	if refused != nil && skipped == 0 {
		return false, fmt.Errorf("none of %d live sessions can be opened: %w", tried, refused)
	}
	return false, nil
}

// Check tells at start-up whether the manager's settings open the sessions of its
// store: see OpensSome. It writes nothing.
func (m *Manager) Check(ctx context.Context) error {
	opened, err := opensSome(ctx, m.store, Range{}, m.trust.isOurs)
	if err != nil {
		return fmt.Errorf("djsession: check: %w", err)
	}
	if opened && !m.trust.full() {
		m.trust.known.Store(true)
	}
	return nil
}
