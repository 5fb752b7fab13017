package djsession_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// If UnwrapCookie returns a text that cannot be a key, the cookie is left alone, like a cookie that
// UnwrapCookie does not know.
func TestUnwrappedToNoKey(t *testing.T) {
	for _, key := range []string{"", "short", "\x00\x00\x00\x00\x00\x00\x00\x00", strings.Repeat("a", 1<<16)} {
		_, m := newSite(t)
		m.UnwrapCookie = func(r *http.Request, value string) (string, bool) { return key, true }
		m.WrapCookie = func(key string, v *djsession.Values) (string, error) { return "1|" + key, nil }
		for what, view := range map[string]func(http.ResponseWriter, *http.Request, *djsession.Session){
			"set":      setGo,
			"cycle":    func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.CycleKey(r.Context()) },
			"flush":    func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Flush(r.Context()) },
			"modified": func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.SetModified(true) },
		} {
			if w := visit(t, m, "1|of~the~site's~own", view); cookieOf(t, w) != "" {
				t.Errorf("%.10q: %s: status %d, cookie %q", key, what, w.Code, cookieOf(t, w))
			}
		}
	}
}

// A service that has UnwrapCookie and no WrapCookie sets no cookies.
func TestUnwrapWithoutWrap(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	m.UnwrapCookie = func(r *http.Request, value string) (string, bool) { return strings.CutPrefix(value, "1|") }
	if w := visit(t, m, "1|"+key, setGo); w.Code != 500 || cookieOf(t, w) != "" || holds(t, store, key) != `{"a":1}` {
		t.Errorf("status %d, cookie %q, stored %s", w.Code, cookieOf(t, w), holds(t, store, key))
	}
}

// If WrapCookie returns nothing, no cookie is deleted.
func TestWrapToNothing(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	m.UnwrapCookie = func(r *http.Request, value string) (string, bool) { return strings.CutPrefix(value, "1|") }
	m.WrapCookie = func(key string, v *djsession.Values) (string, error) { return "", nil }
	if w := visit(t, m, "1|"+key, setGo); w.Code != 500 || cookieOf(t, w) != "" {
		t.Errorf("status %d, lines %q", w.Code, w.Header()["Set-Cookie"])
	}
}
