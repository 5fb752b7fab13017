package djsession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/edit"
	"github.com/djsess/djsess/signing"
)

// pythonWrapped makes a site whose cookie is not the bare key, but the key and a signature.
const pythonWrapped = `
	class Wrapped(SessionMiddleware):
		def process_request(self, request):
			value = request.COOKIES.get("sessionid")
			if value:
				request.COOKIES["sessionid"] = signing.loads(value.partition("|")[2], salt="cookie")
			super().process_request(request)

		def process_response(self, request, response):
			response = super().process_response(request, response)
			cookie = response.cookies.get("sessionid")
			if cookie and cookie.value:
				cookie.set("sessionid", *["1|" + signing.dumps(cookie.value, salt="cookie")] * 2)
			return response

	SessionMiddleware = Wrapped
`

// A cookie with a value of the site's own is left alone, whatever the handler does. With the hooks,
// Go reads and writes it.
func TestWrappedCookie(t *testing.T) {
	site := startLoggedInSite(t, djangotest.Newest, djangotest.SecretKey)
	site.Do(t, pythonWrapped, nil, nil)
	var cookie, name string
	log_in := func() {
		site.Do(t, `result = log_in(args)`, "ana"+djsession.NewKey(), &cookie)
	}
	settings := site.settings(t)
	store := site.open(t, settings)
	ours := func(h http.Handler) string { // the cookie that the visitor has afterwards
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", "sessionid="+cookie)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			cookie = c.Value
		}
		return cookie
	}
	paths := map[string]func(http.ResponseWriter, *http.Request, *djsession.Session) error{
		"read":  func(_ http.ResponseWriter, _ *http.Request, s *djsession.Session) error { s.Has("a"); return nil },
		"write": func(_ http.ResponseWriter, _ *http.Request, s *djsession.Session) error { return s.Set("go", 1) },
		"login": func(_ http.ResponseWriter, r *http.Request, s *djsession.Session) error {
			return s.CycleKey(r.Context())
		},
		"save": func(_ http.ResponseWriter, r *http.Request, s *djsession.Session) error { return s.Save(r.Context()) },
		"careless logout": func(_ http.ResponseWriter, r *http.Request, s *djsession.Session) error {
			s.Flush(r.Context())
			return s.Set("go", 1)
		},
	}

	for path, do := range paths {
		log_in()
		m := newManager(t, store, settings) // AcceptEmptyStore must not allow Go to replace it
		told := 0
		m.Observer = func(_ context.Context, e djsession.Event) {
			if e.Kind == djsession.EventRefusal && errors.Is(e.Err, djsession.ErrForeignCookie) {
				told++
			}
		}
		before := cookie
		after := ours(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := do(w, r, s); err != nil {
				djsession.Error(w, r, err)
			}
		})))
		site.Do(t, `result = who(args)`, "sessionid="+after, &name)
		if after != before || !strings.HasPrefix(name, "ana") || told == 0 {
			t.Errorf("%s: cookie %q became %q, which is %q; reported %d times", path, before, after, name, told)
		}
	}

	o := signing.Options{SecretKey: djangotest.SecretKey, Salt: "cookie"}
	m := newManager(t, store, settings)
	m.AcceptEmptyStore = false
	m.UnwrapCookie = func(r *http.Request, value string) (key string, ok bool) {
		version, signed, _ := strings.Cut(value, "|")
		_, err := signing.Loads(signed, &key, signing.NoMaxAge, o)
		return key, err == nil && version == "1"
	}
	m.WrapCookie = func(key string, _ *djsession.Values) (string, error) {
		signed, err := signing.Dumps(key, false, o)
		return "1|" + signed, err
	}
	for path, do := range paths {
		log_in()
		after := ours(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			if err := do(w, r, s); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			if path != "careless logout" && !s.Has("_auth_user_id") {
				t.Errorf("%s: Go does not see the login", path)
			}
		})))
		site.Do(t, `result = who(args)`, "sessionid="+after, &name)
		if loggedOut := path == "careless logout"; strings.HasPrefix(name, "ana") == loggedOut {
			t.Errorf("with the hooks, %s: Django sees %q", path, name)
		}
	}
	// A bare key is not a cookie of this site.
	log_in()
	key, _ := m.UnwrapCookie(nil, cookie)
	cookie = url.QueryEscape(key)
	ours(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if s.Has("_auth_user_id") {
			t.Error("the bare key opened the session")
		}
	})))
}

// WrapCookie is called with the values that are about to be stored, before they are stored.
func TestWrapCookieThatFails(t *testing.T) {
	store, m := newSite(t)
	m.UnwrapCookie = func(_ *http.Request, value string) (string, bool) { return value, true }
	m.WrapCookie = func(key string, v *djsession.Values) (string, error) {
		if v.Has("bad") {
			return "", errTest
		}
		return key, nil
	}
	setBad := func(w http.ResponseWriter, r *http.Request, s *djsession.Session) { s.Set("bad", 1) }
	if w := visit(t, m, "", setBad); w.Code != 500 || count(t, store) != 0 {
		t.Errorf("new: status %d, %d stored", w.Code, count(t, store))
	}
	key := stored(t, store, `{"a":1}`)
	if w := visit(t, m, key, setBad); w.Code != 500 || holds(t, store, key) != `{"a":1}` {
		t.Errorf("changed: status %d, stored %s", w.Code, holds(t, store, key))
	}
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Set("go", 1)
		djsession.Update(r.Context(), store, key, edit.Set("bad", 1)) // a concurrent write
	})
	if w.Code != 500 || holds(t, store, key) != `{"a":1,"bad":1}` {
		t.Errorf("merged: status %d, stored %s", w.Code, holds(t, store, key))
	}
	key = stored(t, store, `{"a":1,"bad":1}`)
	before := count(t, store)
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.CycleKey(r.Context()); !errors.Is(err, errTest) {
			t.Error(err)
		}
	})
	if holds(t, store, key) != `{"a":1,"bad":1}` || count(t, store) != before {
		t.Errorf("moved: %d stored, %d before", count(t, store), before)
	}
}
