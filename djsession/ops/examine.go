package ops

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/internal/checkup"
)

// Examination has the options of Examine.
type Examination struct {
	// Auth, if set, has the users of the site: their logins are checked, too.
	Auth *djauth.Auth
	// Sample is how many sessions are read, live and expired ones. Default: 1000.
	Sample int64
}

// String shows no settings, which have the SECRET_KEY.
func (o Examination) String() string {
	return fmt.Sprintf("examination of %d sessions, with users: %v", o.Sample, o.Auth != nil)
}

// Examine checks a store and its settings, and returns one result for each check. They are what
// djsession.Manager.Check, djauth.Auth.Check and the store itself find (see djsession.Examiner), and
// what a sample of the sessions shows. If some sessions cannot be read, it finds out which other
// settings would open them. It writes nothing.
func Examine(ctx context.Context, store djsession.Store, options Examination) []djsession.CheckResult {
	e := &examining{Examination: options, store: store, settings: store.Settings(), told: map[string][]error{}}
	if e.Sample <= 0 {
		e.Sample = 1000
	}
	if u, ok := store.(djsession.UnsignedStore); ok {
		e.unsigned = u.IsUnsigned()
	}
	if e.reaches(ctx) {
		e.examineServer(ctx)
		e.examineSessions(ctx)
	}
	if e.unsigned && e.Auth == nil {
		e.skip("key strength", "the store signs nothing", "")
	} else {
		e.add(e.checkKeyStrength())
	}
	e.add(checkCookies(e.settings))
	return e.results
}

// examining is a running Examine.
type examining struct {
	Examination
	store    djsession.Store
	settings *djsession.Settings
	unsigned bool
	told     map[string][]error // what the Observer was told, by Event.Check
	// noneReadable says that there are live sessions and that none of them can be read.
	noneReadable bool
	results      []djsession.CheckResult
}

func (e *examining) add(r djsession.CheckResult) { e.results = append(e.results, r) }

func (e *examining) ok(check, format string, args ...any) {
	e.add(djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: fmt.Sprintf(format, args...)})
}

func (e *examining) skip(check, text, remedy string) {
	e.add(djsession.CheckResult{Check: check, Status: djsession.CheckSkipped, Text: text, Remedy: remedy})
}

// reaches asks for a session that nobody has.
func (e *examining) reaches(ctx context.Context) bool {
	_, err := e.store.Load(ctx, djsession.NewKey())
	if err != nil && !errors.Is(err, djsession.ErrNotFound) && !errors.As(err, new(*djsession.PayloadError)) {
		r := djsession.ErrorResult(djsession.StoreCheck, djsession.CheckFails, err)
		if errors.Is(err, driver.ErrBadConn) {
			r.Remedy = "the server closes the connections, or a pooler does: PgBouncer in statement mode refuses transactions, which Django needs, too"
		}
		e.add(r)
		return false
	}
	e.ok(djsession.StoreCheck, "%v answers", e.store)
	return true
}

// examineServer has the store check its server.
func (e *examining) examineServer(ctx context.Context) {
	if examiner, ok := e.store.(djsession.Examiner); ok {
		for _, r := range examiner.Examine(ctx) {
			e.add(r)
		}
	}
	evicter, ok := e.store.(djsession.Evicter)
	if !ok {
		return
	}
	const check = "eviction"
	switch reason, err := evicter.Evicts(ctx); {
	case err != nil:
		e.add(djsession.ErrorResult(check, djsession.CheckSkipped, err))
	case reason != "":
		e.add(djsession.CheckResult{Check: check, Status: djsession.CheckWarns, Text: "the cache may drop live sessions, and log their users out: " + reason,
			Remedy: "a cache for the sessions alone that is large enough and drops nothing, or the engine cached_db; " + checkup.MoveRemedy})
	default:
		e.ok(check, "the cache drops no session to make room")
	}
}

// examineSessions checks the settings by the sessions in the store.
func (e *examining) examineSessions(ctx context.Context) {
	manager, err := djsession.NewManager(e.store)
	if err != nil {
		e.add(djsession.ErrorResult(djsession.KeyCheck, djsession.CheckFails, err))
		return
	}
	manager.Observer = func(_ context.Context, event djsession.Event) {
		if event.Kind == djsession.EventCheck {
			e.told[event.Check] = append(e.told[event.Check], event.Err)
		}
	}
	checked := manager.Check(ctx)
	if _, ok := e.store.(djsession.Examiner); !ok { // an Examiner has told it
		for _, err := range e.told[djsession.StoreCheck] {
			e.add(djsession.ErrorResult(djsession.StoreCheck, djsession.CheckFails, err))
		}
	}
	sample, err := readSample(ctx, e.store, e.Sample)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		e.skip(djsession.SessionsCheck, "the store cannot list its sessions, so nothing can be said of them", "")
		if checked != nil {
			e.add(djsession.ErrorResult(djsession.StoreCheck, djsession.CheckFails, checked))
		}
	case err != nil && !errors.Is(err, ErrNoneReadable):
		e.add(djsession.ErrorResult(djsession.SessionsCheck, djsession.CheckFails, err))
		return
	default:
		e.noneReadable = sample.live > 0 && sample.unreadable == sample.live
		e.examineKey(checked, sample)
		e.examineSample(ctx, sample)
		e.examineExpiries(ctx)
	}
	e.examineUsers(ctx, manager)
}

// examineKey says whose SECRET_KEY it is. checked is the error of Manager.Check.
func (e *examining) examineKey(checked error, s *sample) {
	const check = djsession.KeyCheck
	switch unknown := e.told[check]; {
	case e.unsigned:
		e.skip(check, "the store signs nothing", "")
	case checked != nil:
		r := djsession.ErrorResult(check, djsession.CheckFails, errors.Unwrap(checked)) // without the name of the check
		r.Remedy = "SECRET_KEY and DJANGO_VERSION must be the site's, and so must the store: the check sessions says what opens them"
		e.add(r)
	case len(unknown) > 0:
		r := djsession.ErrorResult(check, djsession.CheckFails, unknown[0])
		r.Remedy = "put the site's SECRET_KEY first, and older keys after it"
		e.add(r)
	case s.live == 0:
		e.skip(check, "there is no live session that could show whose it is", "")
	case s.fallbacks > 0:
		e.ok(check, "it is the site's; %d of %d live sessions were signed with one of SECRET_KEY_FALLBACKS", s.fallbacks, s.live)
	default:
		e.ok(check, "it is the site's")
	}
}

// examineExpiries says whether the sessions end when the settings say.
func (e *examining) examineExpiries(ctx context.Context) {
	const check, remedy = djsession.ExpiryCheck, "USE_TZ, TIME_ZONE and DATABASES[…][\"TIME_ZONE\"] must be the site's"
	shift, err := measureShift(ctx, e.store)
	hours := func() string { return shift.by.Abs().Round(time.Minute).String() }
	switch late := e.told[check]; {
	case err != nil:
		e.add(djsession.ErrorResult(check, djsession.CheckFails, err))
	case shift.early*2 > shift.known:
		e.add(djsession.CheckResult{Check: check, Status: djsession.CheckFails, Remedy: remedy,
			Text: fmt.Sprintf("%d of %d sessions seem to end about %s too early for the time at which they were saved", shift.early, shift.known, hours())})
	case shift.late*2 > shift.known && shift.by.Abs() <= longestShift:
		e.add(djsession.CheckResult{Check: check, Status: djsession.CheckFails, Remedy: remedy,
			Text: fmt.Sprintf("%d of %d sessions seem to end about %s too late for the time at which they were saved", shift.late, shift.known, hours())})
	case len(late) > 0:
		e.add(djsession.ErrorResult(check, djsession.CheckWarns, late[0]))
	case shift.known == 0:
		e.skip(check, "no session says when it was saved", "")
	default:
		e.ok(check, "the sessions end when USE_TZ, TIME_ZONE and SESSION_COOKIE_AGE say")
	}
}

// examineUsers says whether the logins are those of the site's users.
func (e *examining) examineUsers(ctx context.Context, manager *djsession.Manager) {
	const check = djauth.UsersCheck
	if e.Auth == nil {
		e.skip(check, "the site's users are not known here", "")
		return
	}
	if err := e.Auth.Check(ctx, manager); err != nil {
		e.add(djsession.ErrorResult(check, djsession.CheckFails, err))
		return
	}
	if e.noneReadable { // Auth.Check has found no logins
		e.skip(check, "no session can be read that would name a user", "")
		return
	}
	for _, err := range e.told[check] {
		e.add(djsession.ErrorResult(check, djsession.CheckWarns, err))
	}
	if len(e.told[check]) == 0 {
		e.ok(check, "the newest logins are those of the site's users")
	}
}
