package djsession

import (
	"fmt"
	"math"
	"time"

	"github.com/djsess/djsess/internal/pytime"
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
// the seconds that are left, which count anew whenever the session is saved.
func (s *Session) SetExpiryAt(t time.Time) error {
	settings := s.m.settings
	t = t.Truncate(time.Microsecond)
	if !settings.version().atLeast(4, 1) {
		left := int64(math.Floor(t.Sub(settings.Now()).Seconds()))
		if left == 0 { // which would be until the browser closes
			left = 1
		}
		return s.Set(expiryName, left)
	}
	if settings.UseTZ {
		return s.Set(expiryName, t.UTC())
	}
	loc, err := settings.Location()
	if err != nil {
		return err
	}
	const offset = len("+00:00")
	text, err := pytime.AppendISO(nil, pytime.Naive(t, loc))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidExpiry, err)
	}
	return s.Set(expiryName, string(text[:len(text)-offset]))
}

// SetExpiryIn makes the session end after so much time, saved or not: set_expiry
// with a timedelta.
func (s *Session) SetExpiryIn(d time.Duration) error {
	return s.SetExpiryAt(s.m.settings.Now().Add(d))
}

// ExpireAtBrowserClose gives the session a cookie that the browser forgets:
// set_expiry(0). What is stored lives for SessionCookieAge.
func (s *Session) ExpireAtBrowserClose() error { return s.SetExpiry(0) }

// ResetExpiry makes the session end as the settings say: set_expiry(None).
func (s *Session) ResetExpiry() error { return s.Delete(expiryName) }

// ExpiryAge is get_expiry_age: how long the session lasts if it is saved now.
func (s *Session) ExpiryAge() (time.Duration, error) {
	return s.ExpiryAgeFrom(s.m.settings.Now())
}

// ExpiryAgeFrom is get_expiry_age(modification=…). More than a time.Duration can
// hold, 292 years, is cut to that.
func (s *Session) ExpiryAgeFrom(modification time.Time) (time.Duration, error) {
	seconds, micros, err := s.m.settings.expiryAge(s.read(), modification)
	if limit := int64(math.MaxInt64/time.Second) - 1; err == nil {
		seconds = max(-limit, min(limit, seconds))
	}
	return time.Duration(seconds)*time.Second + time.Duration(micros)*time.Microsecond, err
}

// ExpiryDate is get_expiry_date: when the session ends if it is saved now.
func (s *Session) ExpiryDate() (time.Time, error) {
	return s.ExpiryDateFrom(s.m.settings.Now())
}

// ExpiryDateFrom is get_expiry_date(modification=…).
func (s *Session) ExpiryDateFrom(modification time.Time) (time.Time, error) {
	return s.m.settings.ExpiryDate(s.read(), modification)
}

// ExpiresAtBrowserClose is get_expire_at_browser_close: whether the cookie has no
// expiry.
func (s *Session) ExpiresAtBrowserClose() (bool, error) {
	return s.m.settings.expiresAtBrowserClose(s.read())
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
