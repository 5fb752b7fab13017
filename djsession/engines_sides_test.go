package djsession_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// side is Django or Go. Both act like a request with a session key. A key of "" means that the
// request has no cookie.
type side interface {
	// do performs an action, calls meanwhile before the session is saved, and returns the key that
	// the visitor has now. If the session was deleted meanwhile, it returns "400".
	do(t *testing.T, key string, a action, meanwhile func()) string
	// sees returns the content and the expiry of the session, or "nothing".
	sees(t *testing.T, key string) string
}

// action is an action of a view, in both languages.
type action struct {
	name   string
	python string // with the session s
	golang func(ctx context.Context, g *goSide, s *djsession.Session) error
}

// fixed is the time from which an expiry is counted.
var fixed = time.Date(2027, 1, 2, 3, 4, 5, 678_901_000, time.UTC)

// djangoSide is a Django of some version and engine.
type djangoSide struct{ *djangotest.Django }

const pythonSide = `
	import calendar, time
	UpdateError = __import__("django.contrib.sessions.backends.base", fromlist=["x"]).UpdateError
	ahead, real_now, real_time = 0, timezone.now, time.time
	timezone.now = lambda: real_now() + datetime.timedelta(seconds=ahead)
	time.time = lambda: real_time() + ahead
	database_cache = __import__("django.core.cache.backends.db", fromlist=["x"])
	if hasattr(database_cache, "tz_now"): # a name of its own
		database_cache.tz_now = timezone.now

	def act(key, code):
		global s
		s = SessionStore(key or None)
		exec(code, globals())

	def save():
		"""As the middleware does."""
		try:
			if s.modified and not s.is_empty():
				s.save()
		except UpdateError:
			return "400"
		return s.session_key or ""

	def at(micros):
		t = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(microseconds=micros)
		return t if settings.USE_TZ else timezone.make_naive(t)

	def sees(key, micros):
		s = SessionStore(key)
		items = dict(s.items())
		if s.session_key != key or s.modified:
			return "nothing"
		age = s.get_expiry_age(modification=at(micros))
		ends = "with the browser" if s.get_expire_at_browser_close() else "after %d us" % round(age * 1000000)
		return "%s ends %s" % (json.dumps(items, separators=(",", ":"), default=datetime.datetime.isoformat), ends)
`

func (d djangoSide) do(t *testing.T, key string, a action, meanwhile func()) string {
	t.Helper()
	d.Do(t, `act(args["key"], args["code"])`, map[string]string{"key": key, "code": a.python}, nil)
	meanwhile()
	var now string
	d.Do(t, `result = save()`, nil, &now)
	return now
}

func (d djangoSide) sees(t *testing.T, key string) (text string) {
	t.Helper()
	d.Do(t, `result = sees(args["key"], args["at"])`, map[string]any{"key": key, "at": fixed.UnixMicro()}, &text)
	return text
}

// goSide is a Manager.
type goSide struct {
	m     *djsession.Manager
	store djsession.Store
}

func (g *goSide) do(t *testing.T, key string, a action, meanwhile func()) string {
	t.Helper()
	w := visit(t, g.m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := a.golang(r.Context(), g, s); err != nil {
			t.Errorf("%s: %v", a.name, err)
		}
		meanwhile()
	})
	cookie := cookieOf(t, w)
	switch {
	case w.Code != 200:
		return strconv.Itoa(w.Code)
	case cookie == "deleted":
		return ""
	case cookie == "":
		return key
	}
	return cookie
}

func (g *goSide) sees(t *testing.T, key string) string {
	t.Helper()
	s, err := g.m.Load(t.Context(), key)
	if errors.Is(err, djsession.ErrNotFound) {
		return "nothing"
	}
	if err != nil {
		return err.Error()
	}
	text := s.Values().AppendShown(nil)
	age, err := s.ExpiryAgeFrom(fixed)
	if err != nil {
		t.Fatal(err)
	}
	ends := fmt.Sprintf("after %d us", age.Microseconds())
	if closes, err := s.ExpiresAtBrowserClose(); err != nil {
		t.Fatal(err)
	} else if closes {
		ends = "with the browser"
	}
	return string(text) + " ends " + ends
}
