package djsession

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/djsess/djsess/djsession/pytype"
)

// SetExpiry makes the session end after so much time in which it is not saved:
// Django's set_expiry with a number of seconds. Zero is until the browser closes,
// less is at once.
func (s *Session) SetExpiry(age time.Duration) error {
	if age%time.Second == 0 {
		return s.Set(expiryName, int64(age/time.Second))
	}
	return s.Set(expiryName, age.Seconds())
}

// SetExpiryAt makes the session end at an instant: set_expiry with a datetime.
//
// Before Django 4.1 a JSON session cannot hold an instant. There it is written as
// the seconds that are left, which count anew whenever the session is saved. A
// session that is pickled holds the datetime.
func (s *Session) SetExpiryAt(t time.Time) error {
	settings := s.m.settings()
	t = t.Truncate(time.Microsecond)
	if !settings.version().atLeast(4, 1) {
		left := int64(math.Floor(t.Sub(settings.Now()).Seconds()))
		if left == 0 { // which would be until the browser closes
			left = 1
		}
		return s.setExpiryBefore41(left, t)
	}
	value, err := settings.datetime(t)
	if err != nil {
		return err
	}
	// The text itself, since that is what Django has in pickles, too.
	e, err := encodeValue(expiryName, value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	return s.change(setEncoded(expiryName, encoded{raw: e.raw}))
}

// setExpiryBefore41 sets both: seconds for JSON, and the datetime for a pickle.
func (s *Session) setExpiryBefore41(seconds int64, t time.Time) error {
	value, err := s.m.settings().datetime(t)
	if err != nil {
		return err
	}
	e, err := encodeValue(expiryName, value)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	e.raw = strconv.FormatInt(seconds, 10)
	return s.change(setEncoded(expiryName, e))
}

// datetime is an instant as the site's datetimes are: aware or naive.
func (s *Settings) datetime(t time.Time) (any, error) {
	if s.UseTZ {
		return t.UTC(), nil
	}
	loc, err := s.Location()
	if err != nil {
		return nil, err
	}
	return pytype.NaiveTimeOf(t, loc), nil
}

// SetExpiryIn makes the session end after so much time, saved or not: set_expiry
// with a timedelta.
func (s *Session) SetExpiryIn(d time.Duration) error {
	return s.SetExpiryAt(s.m.settings().Now().Add(d))
}

// ExpireAtBrowserClose gives the session a cookie that the browser forgets:
// set_expiry(0). What is stored lives for SessionCookieAge.
func (s *Session) ExpireAtBrowserClose() error { return s.SetExpiry(0) }

// ResetExpiry makes the session end as the settings say: set_expiry(None).
func (s *Session) ResetExpiry() error { return s.Delete(expiryName) }

// ExpiryAge is get_expiry_age: how long the session lasts if it is saved now.
func (s *Session) ExpiryAge() (time.Duration, error) {
	return s.ExpiryAgeFrom(s.m.settings().Now())
}

// ExpiryAgeFrom is get_expiry_age(modification=…). More than a time.Duration can
// hold, 292 years, is cut to that.
func (s *Session) ExpiryAgeFrom(modification time.Time) (time.Duration, error) {
	return s.m.settings().ExpiryAge(s.read(), modification)
}

// ExpiryDate is get_expiry_date: when the session ends if it is saved now.
func (s *Session) ExpiryDate() (time.Time, error) {
	return s.ExpiryDateFrom(s.m.settings().Now())
}

// ExpiryDateFrom is get_expiry_date(modification=…).
func (s *Session) ExpiryDateFrom(modification time.Time) (time.Time, error) {
	return s.m.settings().ExpiryDate(s.read(), modification)
}

// ExpiresAtBrowserClose is get_expire_at_browser_close: whether the cookie has no
// expiry.
func (s *Session) ExpiresAtBrowserClose() (bool, error) {
	return s.m.settings().expiresAtBrowserClose(s.read())
}

// The test cookie, which tells whether a browser takes cookies at all.
const (
	testCookieName  = "testcookie"
	testCookieValue = "worked"
)

// SetTestCookie is set_test_cookie.
func (s *Session) SetTestCookie() error { return s.Set(testCookieName, testCookieValue) }

// TestCookieWorked is test_cookie_worked.
func (s *Session) TestCookieWorked() bool { return s.GetString(testCookieName) == testCookieValue }

// DeleteTestCookie is delete_test_cookie.
func (s *Session) DeleteTestCookie() error { return s.Delete(testCookieName) }
