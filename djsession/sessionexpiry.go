package djsession

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Expiry says when a session ends: the argument of Django's set_expiry. It is DefaultExpiry,
// BrowserClose, or made with AfterIdle or At.
type Expiry struct {
	kind expiryKind
	idle time.Duration
	at   time.Time
}

type expiryKind int

const (
	defaultExpiry expiryKind = iota
	browserClose
	afterIdle
	at
)

var (
	// DefaultExpiry is set_expiry(None): the session ends as the settings say.
	DefaultExpiry = Expiry{}
	// BrowserClose is set_expiry(0): the cookie ends with the browser. The stored session
	// lives for SessionCookieAge.
	BrowserClose = Expiry{kind: browserClose}
)

// AfterIdle is set_expiry(seconds): the session ends when it was not saved for this long. A
// negative duration ends it at once. Zero is an error: see BrowserClose.
func AfterIdle(d time.Duration) Expiry { return Expiry{kind: afterIdle, idle: d} }

// At is set_expiry(datetime): the session ends at t, even if it is saved again. For Django's
// set_expiry(timedelta) use At(time.Now().Add(d)).
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
		case e.idle == 0:
			return errors.New("djsession: set expiry: AfterIdle(0): use BrowserClose for a session that ends with the browser")
		case e.idle%time.Second == 0:
			return s.Set(expiryName, int64(e.idle/time.Second))
		}
		return s.Set(expiryName, e.idle.Seconds())
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
		left := int64(math.Floor(t.Sub(settings.Now()).Seconds()))
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
	return NaiveTimeOf(t, loc), nil
}

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
