package rediscache_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
)

// A session that Go saved ends in Redis when a session ends that Django saved. Both are compared by
// the clock of Redis.
func TestTimeoutsAreDjangos(t *testing.T) {
	sites(t, func(t *testing.T, s *site, r *djangotest.RedisServer) {
		settings, err := djsession.NewSettings(s.version, djangotest.SecretKey)
		if err != nil {
			t.Fatal(err)
		}
		settings.UseTZ = true
		store, err := cachestore.New(open(t, r, s.config()), cachestore.Config{Settings: settings})
		if err != nil {
			t.Fatal(err)
		}
		for expiry, age := range map[string]time.Duration{
			"None": 14 * 24 * time.Hour, "300": 5 * time.Minute, "100.75": 100 * time.Second, "0": 14 * 24 * time.Hour,
			"timezone.now() + datetime.timedelta(hours=1)": time.Hour, "86400 * 365 * 10": 3650 * 24 * time.Hour,
		} {
			var key string
			start := milliseconds(t, r)
			s.Do(t, `s = SessionStore(); s.set_expiry(`+expiry+`); s["a"] = 1; s.save(); result = s.session_key`, nil, &key)
			check := func(who string) {
				t.Helper()
				ends, err := strconv.ParseInt(r.Do(t, "PEXPIRETIME", ":1:django.contrib.sessions.cache"+key), 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				const second = 1000
				if first, last := start+age.Milliseconds()-second, milliseconds(t, r)+age.Milliseconds()+second; ends < first || ends > last {
					t.Errorf("%s, set_expiry(%s): ends %d ms too late, or %d ms too early", who, expiry, ends-last, first-ends)
				}
			}
			check("Django")
			if !strings.Contains(expiry, "now") { // a fixed instant, which a save does not move
				start = milliseconds(t, r)
			}
			if _, err := djsession.Update(t.Context(), store, key, edit.Set("b", 2)); err != nil {
				t.Fatal(err)
			}
			check("Go")
		}
	})
}

// milliseconds returns the clock of Redis.
func milliseconds(t *testing.T, r *djangotest.RedisServer) int64 {
	t.Helper()
	seconds, micros, _ := strings.Cut(strings.TrimSpace(r.Do(t, "TIME")), "\n")
	s, err := strconv.ParseInt(strings.TrimSpace(seconds), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	us, err := strconv.ParseInt(strings.TrimSpace(micros), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return s*1000 + us/1000
}
