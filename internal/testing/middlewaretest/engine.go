package middlewaretest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// Engine is one of Django's session engines and djsess's store for it, both over the same place.
type Engine struct {
	// Django are the settings of a Django with this engine, SESSION_ENGINE among them.
	Django djangotest.Settings
	// Open opens djsess's store until the test ends.
	Open func(t testing.TB, s *djsession.Settings) djsession.Store
	// OwnClock tells that the store ends sessions by a clock that does not stand still.
	OwnClock bool
	// Warm tells that the cache of the engine cached_db has, before each row, what the database has. Default: nothing.
	Warm bool
}

func (e Engine) name() string { return e.Django["SESSION_ENGINE"].(string) }

// leavesOut tells of the rows that say nothing here.
func (e Engine) leavesOut(r Row) bool {
	switch {
	case e.name() == signedCookies:
		return strings.Contains(r.Script, "them ") // a session is nowhere but in its visitor's request
	case e.name() == cache && e.OwnClock:
		return soon.MatchString(r.Live) // it may end while one looks
	}
	return false
}

// soon finds expiries within the next seconds. (Those within this second are over at once.)
var soon = regexp.MustCompile(`_session_expiry":(1|1\.5|true)}`)

// inDatabase tells that the engine is cache, over a DatabaseCache.
func (e Engine) inDatabase() bool { return e.name() == cache && !e.OwnClock }

// isMemcached tells that the engine is cache, over Memcached.
func (e Engine) isMemcached() bool {
	caches, _ := e.Django["CACHES"].(map[string]any)
	entry, _ := caches["default"].(map[string]any)
	backend, _ := entry["BACKEND"].(string)
	return e.name() == cache && strings.HasPrefix(backend, "django.core.cache.backends.memcached.")
}

// until is what is told of a session that was stored for so many seconds.
func (e Engine) until(seconds int64) string {
	switch {
	case e.name() == file:
		return "" // a file has no end
	case e.inDatabase():
		return fmt.Sprintf(" until %+.1f", float64(seconds)-0.9) // it ends as its second begins
	case e.name() == cache:
		return fmt.Sprintf(" until ~%+d", seconds)
	}
	return fmt.Sprintf(" until %+d", seconds)
}
