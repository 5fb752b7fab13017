package djsession_test

import (
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// After is set_expiry(timedelta): with USE_TZ off both add to the wall clock, whatever the clocks do in between, and the
// session ends and is as old at Go as at Django.
func TestAfterIsTimedelta(t *testing.T) {
	moments := []time.Time{
		time.Date(2027, 3, 27, 11, 30, 0, 123_456_000, time.UTC), // the day before clocks in Warsaw go from 2:00 to 3:00
		time.Date(2027, 10, 30, 10, 30, 0, 0, time.UTC),          // the day before they go from 3:00 to 2:00
		time.Date(2027, 10, 31, 1, 15, 0, 999_999_000, time.UTC), // they show 2:15 for the second time
		time.Date(2027, 12, 31, 23, 59, 59, 500_000_000, time.UTC),
	}
	deltas := []time.Duration{time.Hour, 14 * time.Hour, 15 * time.Hour, 24 * time.Hour, 14 * 24 * time.Hour, 300 * 24 * time.Hour,
		-time.Hour, -24 * time.Hour, 1500 * time.Millisecond, time.Microsecond}
	for _, useTZ := range []bool{false, true} {
		django := djangotest.Start(t, djangotest.Newest, djangotest.Settings{"USE_TZ": useTZ, "TIME_ZONE": "Europe/Warsaw"})
		django.Do(t, `
			import zoneinfo
			from unittest import mock
			def moment(micros):
				at = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=micros)
				return at if settings.USE_TZ else at.astimezone(zoneinfo.ZoneInfo("Europe/Warsaw")).replace(tzinfo=None, fold=0)
			def expiry(now, delta):
				with mock.patch.object(timezone, "now", lambda: moment(now)):
					s = SessionStore()
					s.set_expiry(datetime.timedelta(microseconds=delta))
					return [s["_session_expiry"], s.get_expiry_age()]
		`, nil, nil)
		for _, now := range moments {
			for _, delta := range deltas {
				var want [2]any
				django.Do(t, `result = expiry(*args)`, []int64{now.UnixMicro(), delta.Microseconds()}, &want)
				settings, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				settings.UseTZ, settings.TimeZone, settings.Now = useTZ, "Europe/Warsaw", func() time.Time { return now }
				s, err := newManager(t, newStore(t, settings), settings).Load(t.Context(), "")
				if err != nil {
					t.Fatal(err)
				}
				if err := s.SetExpiry(djsession.After(delta)); err != nil {
					t.Fatal(err)
				}
				age, err := s.ExpiryAge()
				if got := s.GetString("_session_expiry"); err != nil || got != want[0] || age.Seconds() != want[1] {
					t.Errorf("USE_TZ %v, %v after %v: %s, %v, %v; Django has %v", useTZ, delta, now, got, age, err, want)
				}
			}
		}
	}
}
