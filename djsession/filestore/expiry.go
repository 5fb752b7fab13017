package filestore

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/pytype"
	"github.com/djsess/djsess/internal/pytime"
	"github.com/djsess/djsess/internal/pyvalue"
)

// lifetime is the way in which the values of a session set its end.
type lifetime int

const (
	endsByAge     lifetime = iota // SESSION_COOKIE_AGE after it was written
	endsAtInstant                 // at an instant in the values
	neverEnds                     // a positive number in the values
	hasEnded                      // a negative number in the values
)

// lifetimeOf reads _session_expiry as Django's _expiry_date and then get_expiry_age do. A value
// that is false in Python is ignored. A number is the time that is left.
func lifetimeOf(v *djsession.Values) (lifetime, error) {
	const name = "_session_expiry"
	if !v.Has(name) {
		return endsByAge, nil
	}
	var expiry any
	if err := v.Get(name, &expiry); err != nil {
		return 0, fmt.Errorf("%w: %w", djsession.ErrInvalidExpiry, err)
	}
	sign := 0.0
	switch e := expiry.(type) {
	case nil:
	case bool:
		if e {
			sign = 1
		}
	case int64:
		sign = float64(e)
	case *big.Int:
		sign = float64(e.Sign())
	case float64:
		sign = e
	case string:
		if e != "" {
			return endsAtInstant, nil
		}
	case time.Time, pytype.NaiveTime: // of a session that is pickled
		return endsAtInstant, nil
	default:
		if !pyvalue.IsFalse(e) {
			return 0, fmt.Errorf("%w: neither a number nor a time", djsession.ErrInvalidExpiry)
		}
	}
	switch {
	case sign == 0:
		return endsByAge, nil
	case sign < 0:
		return hasEnded, nil
	}
	return neverEnds, nil // NaN, too: it is not <= 0
}

// expiry returns the end of a session whose file was written at modTime, and whether the session
// is live.
func (s *Store) expiry(v *djsession.Values, modTime time.Time) (expires time.Time, live bool, err error) {
	life, err := lifetimeOf(v)
	if err != nil {
		return s.byAge(modTime), false, err
	}
	switch life {
	case neverEnds:
		return djsession.Never, true, nil
	case hasEnded:
		now := s.settings().Now()
		if expires, err = s.settings().ExpiryDate(v, modTime); err != nil || expires.After(now) {
			expires = now.Truncate(time.Microsecond)
		}
		return expires.UTC(), false, nil
	case endsAtInstant:
		if expires, err = s.settings().ExpiryDate(v, modTime); err != nil {
			return s.byAge(modTime), false, err
		}
	default:
		expires = s.byAge(modTime)
	}
	return expires, s.isLive(expires), nil
}

// byAge returns the time that is SESSION_COOKIE_AGE after the file was written.
func (s *Store) byAge(modTime time.Time) time.Time {
	expires, err := s.settings().ExpiryDate(new(djsession.Values), asPython(modTime))
	if err != nil {
		return djsession.Never // after the year 9999
	}
	return expires
}

// isLive reports whether a session that ends at t is live. As in Django at least one second must
// be left, by the wall clock with USE_TZ off.
func (s *Store) isLive(t time.Time) bool {
	now := s.settings().Now()
	if s.loc != nil {
		t, now = pytime.Wall(t, s.loc), pytime.Naive(now, s.loc)
	}
	return t.Truncate(time.Microsecond).Sub(now.Truncate(time.Microsecond)) >= time.Second
}

// asPython returns a file's time as Python has it: a float of seconds, which datetime rounds
// to microseconds.
func asPython(t time.Time) time.Time {
	seconds := float64(t.Unix()) + float64(1e-9*float64(t.Nanosecond()))
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.RoundToEven(fraction*1e6))*1000)
}

// modTime returns the time to give to a file that is written now, so that its session ends at
// expires if that is not zero. If Django could not use the expiry, the error is an
// ErrInvalidExpiry.
func (s *Store) modTime(v *djsession.Values, expires time.Time) (time.Time, error) {
	now := s.settings().Now().Truncate(time.Microsecond)
	life, err := lifetimeOf(v)
	if err != nil {
		return now, err
	}
	if life != endsByAge {
		_, err := s.settings().ExpiryDate(v, now)
		return now, err
	}
	if expires.IsZero() || expires.Equal(djsession.Never) {
		return now, nil
	}
	if y := expires.Year(); y < 1 || y > 9999 {
		return now, fmt.Errorf("expiry in the year %d: %w", y, djsession.ErrInvalidExpiry)
	}
	written := expires.Truncate(time.Microsecond)
	if s.loc == nil {
		return written.Add(-s.settings().SessionCookieAge), nil
	}
	return pytime.FromNaive(pytime.Naive(written, s.loc).Add(-s.settings().SessionCookieAge), s.loc), nil
}
