package djsession

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pytime"
)

// expiryName is the value that SessionBase.set_expiry sets.
const expiryName = "_session_expiry"

// ErrInvalidExpiry is a _session_expiry that Django could not work with: saving
// such a session takes the page down there.
var ErrInvalidExpiry = errors.New("invalid _session_expiry")

// ExpiryDate is Django's get_expiry_date, as it would be at the instant now: when
// a session with these values ends if it is saved now.
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
	if s.UseTZ {
		return checkYear(addSeconds(now, seconds, micros))
	}
	// Python's naive arithmetic moves the wall clock: in two weeks it shows
	// the same hour, whatever clocks do in between.
	loc, err := s.Location()
	if err != nil {
		return time.Time{}, err
	}
	end := addSeconds(pytime.Naive(now, loc), seconds, micros)
	return checkYear(pytime.FromNaive(end, loc))
}

// ExpiryAge is Django's get_expiry_age, as it would be at the instant now: how long a
// session with these values lasts if it is saved now. More than a time.Duration can
// hold, 292 years, is cut to that.
func (s *Settings) ExpiryAge(v *Values, now time.Time) (time.Duration, error) {
	seconds, micros, err := s.expiryAge(v, now)
	if limit := int64(math.MaxInt64/time.Second) - 1; err == nil {
		seconds = max(-limit, min(limit, seconds))
	}
	return time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, err
}

// expiryAge is get_expiry_age: how long a session lasts that was modified then. An
// age that was computed is floored to whole seconds, one that was set is itself.
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
		if ok { // which is false in Python
			expiry = nil
		}
		return s.expirySeconds(expiry)
	}
	if err != nil {
		return 0, 0, err
	}
	if !s.UseTZ { // naive, and so is the difference
		loc, err := s.Location()
		if err != nil {
			return 0, 0, err
		}
		end, modification = pytime.Wall(end, loc), pytime.Naive(modification, loc)
	}
	end, modification = end.Truncate(time.Microsecond), modification.Truncate(time.Microsecond)
	seconds = end.Unix() - modification.Unix()
	if end.Nanosecond() < modification.Nanosecond() {
		seconds--
	}
	return seconds, 0, nil
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

// expiry is the value of _session_expiry, nil when there is none. As a number a
// bool is what it is in Python.
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

// addSeconds is time.Time.Add for more than the 292 years of a time.Duration,
// cut to Python's microseconds.
func addSeconds(t time.Time, seconds int64, micros int) time.Time {
	return time.Unix(t.Unix()+seconds, int64(t.Nanosecond()+micros*1000)).UTC().Truncate(time.Microsecond)
}

func checkYear(t time.Time) (time.Time, error) {
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}, fmt.Errorf("%w: it ends outside of the years 1 to 9999", ErrInvalidExpiry)
	}
	return t, nil
}

// expirySeconds is the age that anything but a text stands for; what is false in
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
		if !isEmpty(expiry) {
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

// maxExpirySeconds is more than lie between the years 1 and 9999.
const maxExpirySeconds = 400_000_000_000

// datetime returns what is a datetime, which a pickle can hold and JSON cannot: in every
// Django that counts.
func datetime(expiry any) (t time.Time, naive, ok bool) {
	switch e := expiry.(type) {
	case time.Time:
		return e, false, true
	case pytype.NaiveTime:
		return time.Time(e), true, true
	}
	return time.Time{}, false, false
}

// isEmpty tells what Python takes for false of the values that are no numbers.
func isEmpty(value any) bool {
	if nested, ok := value.(*Values); ok {
		return nested.Len() == 0
	}
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// expiryInstant reads a text, which counts since Django 4.1.
func (s *Settings) expiryInstant(text string) (time.Time, error) {
	if !s.version().atLeast(4, 1) {
		return time.Time{}, fmt.Errorf("%w: a text, which Django %s cannot read", ErrInvalidExpiry, s.DjangoVersion)
	}
	t, naive, err := pytime.ParseISO(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	return s.expiryAt(t, naive)
}

// expiryAt checks a time with an offset or without one, which must be as the site's
// times are.
func (s *Settings) expiryAt(t time.Time, naive bool) (time.Time, error) {
	// Django's save may take it, but then its middleware takes the page down.
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
