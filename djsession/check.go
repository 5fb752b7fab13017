package djsession

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Check is for start-up. It returns an error if the store has live sessions and the
// manager's settings open none of the newest (see OpensSome), or if the store cannot be
// asked. Suspicious but non-fatal findings go to the Observer, as an EventCheck:
//
//   - The store has no live sessions. It may be another site's.
//   - The newest sessions were not signed with SECRET_KEY.
//   - Sessions last longer than they could. Then USE_TZ, TIME_ZONE or
//     SESSION_COOKIE_AGE is not the site's.
//   - The cache of a cached_db cannot be reached.
//
// Check writes nothing.
func (m *Manager) Check(ctx context.Context) error {
	s, err := m.sample(ctx)
	if err == nil && len(s.origins) == 0 && s.refused > 0 {
		err = fmt.Errorf("none of %d live sessions can be opened: %w", s.refused, s.why)
	}
	if err != nil {
		return fmt.Errorf("djsession: check: is it the site's SECRET_KEY, DJANGO_VERSION and store? %w", err)
	}
	if s.unknownKey() && !m.settings().AcceptNewKey {
		m.tell(ctx, Event{Kind: EventCheck, Err: ErrUnknownKey})
	}
	if checker, ok := m.store.(Checker); ok {
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
	limit := m.settings().Now().Add(m.settings().SessionCookieAge + slack)
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
