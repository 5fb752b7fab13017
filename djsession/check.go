package djsession

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// These are the checks of Manager.Check, as Event.Check and CheckResult.Check name them.
const (
	KeyCheck      = "secret key" // is the SECRET_KEY the site's?
	CookiesCheck  = "cookies"    // are the flags of the session cookie the site's?
	SessionsCheck = "sessions"   // are there sessions, and do they open?
	ExpiryCheck   = "expiry"     // do the sessions end when the settings say?
	StoreCheck    = "store"      // what does the store itself find? See Checker.
)

// Check is for start-up. It returns an error if the store has live sessions and the
// manager's settings open none of the newest (see OpensSome), or if the store cannot be
// asked. Suspicious but non-fatal findings go to the Observer, as an EventCheck:
//
//   - The store has no live sessions. It may be another site's.
//   - The newest sessions were not signed with SECRET_KEY.
//   - Some sessions cannot be opened, such as those that a key of SECRET_KEY_FALLBACKS has signed
//     which is not in Settings. Their visitors get errors here.
//   - Sessions end later than SESSION_COOKIE_AGE from now. Then USE_TZ, TIME_ZONE or
//     SESSION_COOKIE_AGE is not the site's.
//   - The cache of a cached_db cannot be reached, or has none of the newest sessions.
//   - The session table has columns that the service does not fill, or lacks columns that
//     it does (see dbstore.Store.Check).
//   - SESSION_COOKIE_SECURE or SESSION_EXPIRE_AT_BROWSER_CLOSE is off, and nobody has said that
//     it is off on the site (see Settings.DefaultsConfirmed).
//
// Check writes nothing. Examine of package ops says more, also of what is right.
func (m *Manager) Check(ctx context.Context) error {
	s, err := m.sample(ctx)
	if err == nil && len(s.origins) == 0 && s.refused > 0 {
		err = fmt.Errorf("none of %d live sessions can be opened: %w", s.refused, s.lastErr)
	}
	if err != nil {
		return fmt.Errorf("djsession: check: is it the site's SECRET_KEY, DJANGO_VERSION and store? %w", err)
	}
	if names := m.settings().unconfirmed(); len(names) > 0 && !m.ReadOnly {
		m.report(ctx, Event{Kind: EventCheck, Check: CookiesCheck, Err: fmt.Errorf("%s: off by default, and nobody has said that it is off on the site: if it is on there, "+
			"this service sets a less safe cookie in place of the site's; use SettingsFromFile, or set Settings.DefaultsConfirmed", strings.Join(names, ", "))})
	}
	if s.unknownKey() && !m.settings().AcceptNewKey {
		m.report(ctx, Event{Kind: EventCheck, Check: KeyCheck, Err: ErrUnknownKey})
	}
	if checker, ok := m.store.(Checker); ok {
		for _, err := range checker.Check(ctx) {
			m.report(ctx, Event{Kind: EventCheck, Check: StoreCheck, Err: err})
		}
	}
	if scanner, ok := m.store.(Scanner); ok {
		m.checkSome(ctx, scanner)
	}
	return nil
}

// checkSome looks at sessions of any age: whether they open, and when they end.
func (m *Manager) checkSome(ctx context.Context, scanner Scanner) {
	const sample, slack = 100, time.Minute
	limit := m.settings().Now().Add(m.settings().SessionCookieAge + slack)
	seen, refused, late := 0, 0, 0
	var lastErr error // why the last of the refused did not open
	for r, err := range scanner.Scan(ctx, Range{}) {
		if errors.Is(err, errors.ErrUnsupported) {
			return // the store cannot be enumerated
		}
		if r == nil {
			break // the scan has ended
		}
		seen++
		switch {
		case err != nil:
			refused++
			lastErr = err
		case !r.Values.Has(expiryName) && r.Expires.After(limit):
			late++
		}
		if seen == sample {
			break
		}
	}
	if seen == 0 && !m.AcceptEmptyStore {
		m.report(ctx, Event{Kind: EventCheck, Check: SessionsCheck, Err: errNoSessions})
	}
	if refused > 0 {
		m.report(ctx, Event{Kind: EventCheck, Check: SessionsCheck, Err: fmt.Errorf("%d of %d live sessions cannot be opened here, and their visitors get errors: is SECRET_KEY_FALLBACKS the site's? %w", refused, seen, lastErr)})
	}
	if late > 0 {
		m.report(ctx, Event{Kind: EventCheck, Check: ExpiryCheck, Err: fmt.Errorf("%d of %d live sessions end later than SESSION_COOKIE_AGE from now: "+
			"are USE_TZ, TIME_ZONE and SESSION_COOKIE_AGE the site's?", late, seen)})
	}
}

// sample opens the newest sessions and records the evidence in them.
func (m *Manager) sample(ctx context.Context) (sample, error) {
	s, err := newestSessions(ctx, m.store)
	if err != nil {
		return s, fmt.Errorf("read the newest sessions: %w", err)
	}
	for _, o := range s.origins {
		m.evidence.seen.note(o)
		if o.Form != Unsigned && (o.Key == 0 || m.settings().AcceptNewKey) {
			m.evidence.storeProven.Store(true)
		}
	}
	return s, nil
}

// sample describes the newest live sessions of a store.
type sample struct {
	origins []Origin // of those that open
	refused int      // how many do not open
	lastErr error    // why the last of these did not open
}

// newestSessions opens the newest live sessions of a store. A store that cannot be
// enumerated has none.
func newestSessions(ctx context.Context, store Store) (s sample, err error) {
	scanner, ok := store.(Scanner)
	if !ok {
		return s, nil
	}
	for r, err := range scanner.Scan(ctx, Range{Newest: sampleSize}) {
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return s, nil
		case r == nil:
			return s, err
		case err != nil:
			s.refused++
			s.lastErr = err
		default:
			s.origins = append(s.origins, r.Origin)
		}
		if s.refused+len(s.origins) == sampleSize {
			break
		}
	}
	return s, nil
}

// unknownKey reports whether a fallback made the newest signature of the sample.
func (s *sample) unknownKey() bool {
	var seen signatures
	for _, o := range s.origins {
		seen.note(o)
	}
	return seen.unknownKey()
}

// OpensSome opens some of the newest live sessions of a store and reports whether one
// opened. If there are sessions and none opens, it returns an error: the settings are
// not the site's (SECRET_KEY, DJANGO_VERSION), or the store is not. A store without live
// sessions, or one that cannot be enumerated, is no error. In a cache every session
// opens whatever the SECRET_KEY, since nothing is signed there.
func OpensSome(ctx context.Context, store Store) (bool, error) {
	s, err := newestSessions(ctx, store)
	switch {
	case err != nil:
		return false, err
	case len(s.origins) == 0 && s.refused > 0:
		return false, fmt.Errorf("none of %d live sessions can be opened: %w", s.refused, s.lastErr)
	}
	return len(s.origins) > 0, nil
}

// CheckKey returns an ErrUnknownKey if the newest live sessions of a store were signed
// with one of SECRET_KEY_FALLBACKS. Then SECRET_KEY may not be the site's, and Django
// could not read what is signed with it. With Settings.AcceptNewKey it returns nil.
// Update and Manager call it themselves.
func CheckKey(ctx context.Context, store Store) error {
	return checkKey(ctx, store, Origin{Form: Unsigned})
}

// checkKey is CheckKey before a session is written. The signature that the session came with
// counts, too. In a store that cannot be enumerated it is the only one.
func checkKey(ctx context.Context, store Store, written Origin) error {
	if store.Settings().AcceptNewKey {
		return nil
	}
	s, err := newestSessions(ctx, store)
	s.origins = append(s.origins, written)
	if err == nil && s.unknownKey() {
		err = ErrUnknownKey
	}
	return err
}

var errNoSessions = errors.New("no live session: the check cannot tell whether it is the site's store")

// CheckStatus says how a check has ended.
type CheckStatus string

const (
	// CheckOK: all is well.
	CheckOK CheckStatus = "ok"
	// CheckWarns: something is risky or looks wrong, but the site's sessions work.
	CheckWarns CheckStatus = "warn"
	// CheckFails: sessions cannot be read or written as on the site.
	CheckFails CheckStatus = "fail"
	// CheckSkipped: the check cannot tell.
	CheckSkipped CheckStatus = "skipped"
)

// CheckResult is what one check of a store or its settings has found. ops.Examine runs them all.
type CheckResult struct {
	// Check names the check in a word or two, such as "clock".
	Check  string
	Status CheckStatus
	// Text says what was found. It holds no secret and no whole session key.
	Text string
	// Remedy says what to do. It is empty if all is well, or if there is nothing to do.
	Remedy string
	// Err is the error that was found, if there is one. Text then is its text.
	Err error
}

// ErrorResult returns the result of a check that has found an error. The hint of an OpError becomes
// the remedy.
func ErrorResult(check string, status CheckStatus, err error) CheckResult {
	r := CheckResult{Check: check, Status: status, Text: err.Error(), Err: err}
	if op := (*OpError)(nil); errors.As(err, &op) && op.Hint != "" {
		r.Text, r.Remedy = strings.Replace(r.Text, " ("+op.Hint+")", "", 1), op.Hint
	}
	return r
}
