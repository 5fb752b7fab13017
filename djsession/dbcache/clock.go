package dbcache

import (
	"fmt"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pytime"
)

// expiry is when an item ends that is written now. Django cuts to whole seconds,
// and takes a second off where the timeout is 0.
func (c *Cache) expiry(timeout time.Duration) (time.Time, error) {
	if timeout == 0 {
		timeout = -time.Second
	}
	t := c.stored(c.config.Settings.Now().Add(timeout))
	if y := t.In(c.loc).Year(); y < 1 || y > 9999 {
		return t, fmt.Errorf("expiry in the year %d: %w", y, djsession.ErrInvalidExpiry)
	}
	return t, nil
}

// stored is an instant as the table has it: in whole seconds. With USE_TZ off
// Django sends the wall clock to PostgreSQL, too, which makes an instant of it.
func (c *Cache) stored(t time.Time) time.Time {
	t = t.Truncate(time.Second).UTC()
	if !c.config.Settings.UseTZ && !c.dialect.NaiveTimes {
		t = pytime.Later(t, c.loc).UTC()
	}
	return t
}

// before compares as Django does, which with USE_TZ off knows only the wall clock.
func (c *Cache) before(expires, now time.Time) bool {
	if !c.config.Settings.UseTZ {
		expires, now = pytime.Wall(expires, c.loc), pytime.Naive(now, c.loc)
	}
	return expires.Before(now)
}

// ended tells whether an item is not there any more for cache.get.
func (c *Cache) ended(expires time.Time) bool {
	return c.before(expires, c.config.Settings.Now().Truncate(time.Microsecond))
}

// replaceable tells whether cache.add takes an item's place. It counts in whole
// seconds, so that for less than one an item is neither there nor can be added.
func (c *Cache) replaceable(expires time.Time) bool {
	return c.before(expires, c.config.Settings.Now().Truncate(time.Second))
}
