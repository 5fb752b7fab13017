package djsession_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// checks makes a manager collect what it finds suspicious.
func checks(m *djsession.Manager) *[]string {
	var found []string
	m.Observer = func(_ context.Context, e djsession.Event) {
		if e.Kind == djsession.EventCheck {
			found = append(found, e.Err.Error())
		}
	}
	return &found
}

// With a wrong SESSION_COOKIE_NAME every visitor is anonymous. The Observer is told once.
func TestCookieNameThatNobodyBrings(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("%032d", i) }
	for name, c := range map[string]struct {
		cookie func(i int) string
		told   bool
	}{
		"another name":   {func(i int) string { return "csrftoken=" + strings.Repeat("A", 32) + "; shop_session=" + key(i) }, true},
		"no session yet": {func(i int) string { return "csrftoken=" + strings.Repeat("A", 32) + "; _ga=1.2.3; seen=" + key(i)[1:] }, false},
		"no cookies":     {func(int) string { return "" }, false},
		"one has it": {func(i int) string {
			return map[bool]string{true: "sessionid=" + key(i), false: "other=" + key(i)}[i == 15]
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			settings := mustSettings(t)
			m := newManager(t, newStore(t, settings), settings)
			found := checks(m)
			handler := m.Handler(http.NotFoundHandler())
			for i := range 100 {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Cookie", c.cookie(i))
				handler.ServeHTTP(httptest.NewRecorder(), r)
				if i == 18 && len(*found) > 0 {
					t.Errorf("told too soon: %q", *found)
				}
			}
			switch told := strings.Join(*found, "\n"); {
			case c.told != (len(*found) == 1):
				t.Errorf("told %q", *found)
			case c.told && (!strings.Contains(told, `"shop_session": is SESSION_COOKIE_NAME the site's?`) || strings.Contains(told, key(19))):
				t.Errorf("told %q", told)
			}
		})
	}
}

// A setting that makes the cookie safer and that nobody gave is said at start.
func TestCheckOfSettingsThatNobodyGave(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *djsession.Settings, m *djsession.Manager)
		want   string
	}{
		"defaults":  {func(*djsession.Settings, *djsession.Manager) {}, "SESSION_COOKIE_SECURE, SESSION_EXPIRE_AT_BROWSER_CLOSE: off by default, and nobody has said"},
		"one given": {func(s *djsession.Settings, _ *djsession.Manager) { s.SessionCookieSecure = true }, "SESSION_EXPIRE_AT_BROWSER_CLOSE: off by default"},
		"both given": {func(s *djsession.Settings, _ *djsession.Manager) {
			s.SessionCookieSecure, s.SessionExpireAtBrowserClose = true, true
		}, ""},
		"confirmed": {func(s *djsession.Settings, _ *djsession.Manager) { s.DefaultsConfirmed = true }, ""},
		"no cookie is set": {func(_ *djsession.Settings, m *djsession.Manager) {
			if m != nil {
				m.ReadOnly = true
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			settings := mustSettings(t)
			c.change(settings, nil)
			m := newManager(t, newStore(t, settings), settings)
			c.change(settings, m)
			found := checks(m)
			if err := m.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(*found, "\n"); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}
