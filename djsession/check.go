package djsession

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// checkSample is how many sessions are tried before the settings are blamed.
const checkSample = 1000

// OpensSome tries to open live sessions of a store, and tells whether one opened.
// When there are some and none of the first 1000 opens, it is an error: the
// settings are not those of the site (SECRET_KEY, DJANGO_VERSION), or the store
// is not. A store with no live session, or whose sessions cannot be enumerated,
// is no error. In a cache every session opens, whatever the SECRET_KEY: see Unsigned.
func OpensSome(ctx context.Context, store Store) (bool, error) {
	opened, err := opensSome(ctx, store, Range{})
	if errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return opened, err
}

// opensSome is an errors.ErrUnsupported where sessions cannot be enumerated.
func opensSome(ctx context.Context, store Store, in Range) (bool, error) {
	scanner, ok := store.(Scanner)
	if !ok {
		return false, errors.ErrUnsupported
	}
	tried := 0
	var refused error
	for r, err := range scanner.Scan(ctx, in) {
		switch {
		case r == nil:
			return false, err
		case err == nil:
			return true, nil
		}
		refused = err
		if tried++; tried == checkSample {
			break
		}
	}
	if refused != nil {
		return false, fmt.Errorf("none of %d live sessions can be opened: %w", tried, refused)
	}
	return false, nil
}

// Check tells at start-up whether the manager's settings open the sessions of its
// store: see OpensSome. What is odd and no error it tells the Observer: a store
// without live sessions, which may be another site's, and sessions that last
// longer than they could, by which USE_TZ, TIME_ZONE or SESSION_COOKIE_AGE are not
// the site's, and a cache that cannot be asked. It writes nothing.
func (m *Manager) Check(ctx context.Context) error {
	opened, err := OpensSome(ctx, m.store)
	if err != nil {
		return fmt.Errorf("djsession: check: is it the site's SECRET_KEY, DJANGO_VERSION and store? %w", err)
	}
	if opened {
		m.trust.known.Store(true)
	}
	if checker, ok := m.store.(interface{ Check(context.Context) error }); ok {
		if err := checker.Check(ctx); err != nil { // cached_db goes on without its cache
			m.tell(ctx, Event{Kind: EventCheck, Err: err})
		}
	}
	if scanner, ok := m.store.(Scanner); ok {
		m.checkExpiries(ctx, scanner)
	}
	return nil
}

// checkExpiries looks at a few sessions as to when they end.
func (m *Manager) checkExpiries(ctx context.Context, scanner Scanner) {
	const sample, slack = 100, time.Minute
	limit := m.settings.Now().Add(m.settings.SessionCookieAge + slack)
	seen, late := 0, 0
	for r, err := range scanner.Scan(ctx, Range{}) {
		if errors.Is(err, errors.ErrUnsupported) {
			return // as of any store that is no Scanner
		}
		if err != nil {
			continue // bad payloads are none of this; other errors end the scan
		}
		if seen++; !r.Values.Has(expiryName) && r.Expires.After(limit) {
			late++
		}
		if seen == sample {
			break
		}
	}
	switch {
	case seen == 0 && !m.AcceptEmptyStore:
		m.tell(ctx, Event{Kind: EventCheck, Err: errNoSessions})
	case late > 0:
		m.tell(ctx, Event{Kind: EventCheck, Err: fmt.Errorf("%d of %d live sessions end later than SESSION_COOKIE_AGE from now: "+
			"are USE_TZ, TIME_ZONE and SESSION_COOKIE_AGE the site's?", late, seen)})
	}
}

var errNoSessions = errors.New("no live session: this cannot tell whether it is the site's store")
