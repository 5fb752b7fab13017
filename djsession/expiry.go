package djsession

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/pyvalue"
)

// expiryName is the value that SessionBase.set_expiry sets.
const expiryName = "_session_expiry"

// ErrInvalidExpiry is a _session_expiry that Django cannot use: in Django, saving such a
// session fails with an exception.
var ErrInvalidExpiry = errors.New("invalid _session_expiry")

// Expiry says when a session ends: the argument of Django's set_expiry. It is DefaultExpiry,
// BrowserClose, or made with AfterIdle, After or At.
type Expiry struct {
	kind expiryKind
	in   time.Duration
	at   time.Time
}

type expiryKind int

const (
	defaultExpiry expiryKind = iota
	browserClose
	afterIdle
	after
	at
)

var (
	// DefaultExpiry is set_expiry(None): the session ends as the settings say.
	DefaultExpiry = Expiry{}
	// BrowserClose is set_expiry(0): the cookie ends with the browser. The stored session
	// lives for SessionCookieAge.
	BrowserClose = Expiry{kind: browserClose}
)

// AfterIdle is set_expiry(seconds): the session ends this long after it was last saved. A
// negative duration ends it at once. Zero is an error: see BrowserClose.
func AfterIdle(d time.Duration) Expiry { return Expiry{kind: afterIdle, in: d} }

// After is set_expiry(timedelta): the session ends this long after now, even if it is saved
// again. If USE_TZ is off, Django adds to the wall clock: a day later it shows the same hour,
// even if clocks are set forward or back in between.
func After(d time.Duration) Expiry { return Expiry{kind: after, in: d} }

// At is set_expiry(datetime): the session ends at t, even if it is saved again.
//
// Before Django 4.1 a JSON session cannot hold a time. There the seconds that are left are
// stored, and they start again with each save. A pickled session holds the datetime.
func At(t time.Time) Expiry { return Expiry{kind: at, at: t} }

// SetExpiry sets when the session ends: Django's set_expiry.
func (s *Session) SetExpiry(e Expiry) error {
	switch e.kind {
	case browserClose:
		return s.Set(expiryName, 0)
	case afterIdle:
		switch {
		case e.in == 0:
			return errors.New("djsession: set expiry: AfterIdle(0): use BrowserClose for a session that ends with the browser")
		case e.in%time.Second == 0:
			return s.Set(expiryName, int64(e.in/time.Second))
		}
		return s.Set(expiryName, e.in.Seconds())
	case after:
		settings := s.m.settings()
		end, err := settings.later(settings.Now(), int64(e.in/time.Second), int(e.in%time.Second/time.Microsecond))
		if err != nil {
			return err
		}
		return s.setExpiryAt(end)
	case at:
		return s.setExpiryAt(e.at)
	}
	return s.Delete(expiryName)
}

// setExpiryAt stores a time as the site's Django does.
func (s *Session) setExpiryAt(t time.Time) error {
	settings := s.m.settings()
	t = t.Truncate(time.Microsecond)
	value, err := settings.datetime(t)
	if err != nil {
		return err
	}
	e, err := encodeValue(expiryName, value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	if settings.AtLeast(4, 1) {
		e = encoded{raw: e.raw} // Django has the text in pickles, too
	} else {
		// Both: the datetime for a pickle, and the seconds that are left for JSON.
		left, err := settings.secondsUntil(t, settings.Now())
		if err != nil {
			return err
		}
		if left == 0 { // zero seconds would mean browser close
			left = 1
		}
		e.raw = strconv.FormatInt(left, 10)
	}
	return s.change(func(v *Values) error { return v.set(expiryName, e) })
}

// datetime returns an instant as a datetime of the site: aware or naive.
func (s *Settings) datetime(t time.Time) (any, error) {
	if s.UseTZ {
		return t.UTC(), nil
	}
	loc, err := s.Location()
	if err != nil {
		return nil, err
	}
	return pytype.NaiveTime(pytime.Wall(t, loc)), nil
}

// ExpiryAge is get_expiry_age: it returns how long the session lasts if it is saved now.
func (s *Session) ExpiryAge() (time.Duration, error) {
	return s.ExpiryAgeFrom(s.m.settings().Now())
}

// ExpiryAgeFrom is get_expiry_age(modification=…). The longest duration is 292 years.
func (s *Session) ExpiryAgeFrom(modification time.Time) (time.Duration, error) {
	return s.m.settings().ExpiryAge(s.read(), modification)
}

// ExpiryDate is get_expiry_date: it returns when the session ends if it is saved now.
func (s *Session) ExpiryDate() (time.Time, error) {
	return s.ExpiryDateFrom(s.m.settings().Now())
}

// ExpiryDateFrom is get_expiry_date(modification=…).
func (s *Session) ExpiryDateFrom(modification time.Time) (time.Time, error) {
	return s.m.settings().ExpiryDate(s.read(), modification)
}

// ExpiresAtBrowserClose is get_expire_at_browser_close: it reports whether the cookie ends
// with the browser.
func (s *Session) ExpiresAtBrowserClose() (bool, error) {
	return s.m.settings().expiresAtBrowserClose(s.read())
}

// ExpiryDate is Django's get_expiry_date at the time now: it returns when a session with
// these values ends if it is saved then.
func (s *Settings) ExpiryDate(v *Values, now time.Time) (time.Time, error) {
	expiry, err := v.expiry()
	if err != nil {
		return time.Time{}, err
	}
	if text, ok := expiry.(string); ok {
		return s.expiryInstant(text)
	}
	if t, naive, ok := datetime(expiry); ok {
		return s.expiryAt(t, naive)
	}
	seconds, micros, err := s.expirySeconds(expiry)
	if err != nil {
		return time.Time{}, err
	}
	return s.later(now, seconds, micros)
}

// later returns the time that is so much later than now.
func (s *Settings) later(now time.Time, seconds int64, micros int) (time.Time, error) {
	if s.UseTZ {
		return checkYear(addSeconds(now, seconds, micros))
	}
	// Python's naive arithmetic moves the wall clock: two weeks later it shows the same
	// hour, even if daylight saving time begins in between.
	loc, err := s.Location()
	if err != nil {
		return time.Time{}, err
	}
	end := addSeconds(pytime.Naive(now, loc), seconds, micros)
	return checkYear(pytime.FromNaive(end, loc))
}

// ExpiryAge is Django's get_expiry_age at the time now: it returns how long a session with
// these values lasts if it is saved then. The longest duration is 292 years, which is the
// limit of a time.Duration.
func (s *Settings) ExpiryAge(v *Values, now time.Time) (time.Duration, error) {
	seconds, micros, err := s.expiryAge(v, now)
	if limit := int64(math.MaxInt64/time.Second) - 1; err == nil {
		seconds = max(-limit, min(limit, seconds))
	}
	return time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, err
}

// expiryAge is get_expiry_age: it returns how long a session lasts that was modified then. An
// age that was computed is floored to whole seconds. An age that was set is not.
func (s *Settings) expiryAge(v *Values, modification time.Time) (seconds int64, micros int, err error) {
	expiry, err := v.expiry()
	if err != nil {
		return 0, 0, err
	}
	var end time.Time
	if t, naive, ok := datetime(expiry); ok {
		end, err = s.expiryAt(t, naive)
	} else if text, ok := expiry.(string); ok && text != "" {
		end, err = s.expiryInstant(text)
	} else {
		if ok { // an empty text is false in Python
			expiry = nil
		}
		return s.expirySeconds(expiry)
	}
	if err != nil {
		return 0, 0, err
	}
	seconds, err = s.secondsUntil(end, modification)
	return seconds, 0, err
}

// secondsUntil returns the whole seconds between two times, rounded down. If USE_TZ is off, the
// times are naive in Python, and so is their difference.
func (s *Settings) secondsUntil(end, from time.Time) (int64, error) {
	if !s.UseTZ {
		loc, err := s.Location()
		if err != nil {
			return 0, err
		}
		end, from = pytime.Wall(end, loc), pytime.Naive(from, loc)
	}
	end, from = end.Truncate(time.Microsecond), from.Truncate(time.Microsecond)
	seconds := end.Unix() - from.Unix()
	if end.Nanosecond() < from.Nanosecond() {
		seconds--
	}
	return seconds, nil
}

// expiresAtBrowserClose is get_expire_at_browser_close.
func (s *Settings) expiresAtBrowserClose(v *Values) (bool, error) {
	expiry, err := v.expiry()
	if err != nil {
		return false, err
	}
	switch e := expiry.(type) {
	case nil:
		return s.SessionExpireAtBrowserClose, nil
	case int64:
		return e == 0, nil
	case float64:
		return e == 0, nil
	}
	return false, nil
}

// expiry returns the value of _session_expiry, or nil if there is none. A bool is the number
// that it is in Python.
func (v *Values) expiry() (any, error) {
	var expiry any
	if !v.Has(expiryName) {
		return nil, nil
	}
	if err := v.Get(expiryName, &expiry); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	switch expiry {
	case true:
		return int64(1), nil
	case false:
		return int64(0), nil
	}
	return expiry, nil
}

// addSeconds is time.Time.Add without the limit of a time.Duration, truncated to Python's
// microseconds.
func addSeconds(t time.Time, seconds int64, micros int) time.Time {
	return time.Unix(t.Unix()+seconds, int64(t.Nanosecond()+micros*1000)).UTC().Truncate(time.Microsecond)
}

func checkYear(t time.Time) (time.Time, error) {
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}, fmt.Errorf("%w: it ends outside of the years 1 to 9999", ErrInvalidExpiry)
	}
	return t, nil
}

// expirySeconds returns the age for an expiry that is not a text. A value that is false in
// Python stands for SESSION_COOKIE_AGE.
func (s *Settings) expirySeconds(expiry any) (seconds int64, micros int, err error) {
	var age float64
	switch e := expiry.(type) {
	case nil:
	case int64:
		age = float64(e)
	case float64:
		age = e
	case *big.Int:
		age = math.Inf(e.Sign())
	default:
		if !pyvalue.IsFalse(expiry) {
			return 0, 0, fmt.Errorf("%w: neither a number nor a time", ErrInvalidExpiry)
		}
	}
	if age == 0 {
		age = s.SessionCookieAge.Seconds()
	}
	if !(math.Abs(age) <= maxExpirySeconds) { // NaN, too
		return 0, 0, fmt.Errorf("%w: not a number of seconds that a date can be moved by", ErrInvalidExpiry)
	}
	// timedelta rounds to whole microseconds, half to even.
	whole, fraction := math.Modf(age)
	return int64(whole), int(math.RoundToEven(fraction * 1e6)), nil
}

// maxExpirySeconds is more than the seconds between the years 1 and 9999.
const maxExpirySeconds = 400_000_000_000

// datetime returns an expiry that is a datetime. A pickle can hold one, JSON cannot. All
// releases of Django accept it.
func datetime(expiry any) (t time.Time, naive, ok bool) {
	switch e := expiry.(type) {
	case time.Time:
		return e, false, true
	case pytype.NaiveTime:
		return time.Time(e), true, true
	}
	return time.Time{}, false, false
}

// expiryInstant parses an expiry that is a text, which Django accepts since 4.1.
func (s *Settings) expiryInstant(text string) (time.Time, error) {
	if !s.AtLeast(4, 1) {
		return time.Time{}, fmt.Errorf("%w: a text, which Django %s cannot read", ErrInvalidExpiry, s.DjangoVersion)
	}
	t, naive, err := pytime.ParseISO(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	return s.expiryAt(t, naive)
}

// expiryAt returns the instant of a time. It must have an offset if USE_TZ is on, and none if
// it is off.
func (s *Settings) expiryAt(t time.Time, naive bool) (time.Time, error) {
	// Django's save may accept it, but then its middleware raises an exception.
	if naive == s.UseTZ {
		return time.Time{}, fmt.Errorf("%w: a time with an offset is needed when USE_TZ is on, and one without when it is off", ErrInvalidExpiry)
	}
	if naive {
		loc, err := s.Location()
		if err != nil {
			return time.Time{}, err
		}
		t = pytime.FromNaive(t, loc)
	}
	return t, nil
}
