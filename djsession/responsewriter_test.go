package djsession_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// An informational response does not commit. The session can still change, and the final response
// sets its cookie.
func TestEarlyHints(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		store, m := newSite(t)
		server := serve(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 1)
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(102)
			w.WriteHeader(http.StatusEarlyHints)
			if err := s.Set("a", 2); err != nil {
				t.Error(err)
			}
			io.WriteString(w, "hello")
		})))
		var hints []int
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
				if hints = append(hints, code); header.Get("Set-Cookie") != "" || header.Get("Link") == "" {
					t.Errorf("%d: %v", code, header)
				}
				return nil
			},
		})
		got := fetch(ctx, server, "")
		if len(hints) != 2 || got.status != 200 || got.body != "hello" || holds(t, store, got.cookie(t)) != `{"a":2}` {
			t.Errorf("hints %v, %+v", hints, got)
		}
	})
}

// Status 101 is final although it is a 1xx: the data after it are not HTTP.
func TestSwitchingProtocols(t *testing.T) {
	store, m := newSite(t)
	server := serving(t, false, m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Set("a", 1)
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		if err := s.Set("a", 2); !errors.Is(err, djsession.ErrResponseStarted) {
			t.Errorf("set afterwards: %v", err)
		}
	})))
	r, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "echo")
	res, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cookie := fetched{header: res.Header}.cookie(t)
	if res.StatusCode != 101 || holds(t, store, cookie) != `{"a":1}` {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
}

// After the first byte a session can only be read.
func TestAfterTheFirstByte(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	var kept *djsession.Session
	late := func(when string, s *djsession.Session) {
		t.Helper()
		ctx := t.Context()
		for what, err := range map[string]error{
			"set": s.Set("a", 2), "delete": s.Delete("a"), "pop": s.Pop("a", new(int)), "clear": s.Clear(),
			"apply": s.Apply(func(*djsession.Values) error { return nil }), "save": s.Save(ctx), "flush": s.Flush(ctx), "cycle": s.CycleKey(ctx),
		} {
			if !errors.Is(err, djsession.ErrResponseStarted) {
				t.Errorf("%s, %s: %v", when, what, err)
			}
		}
		if n, err := djsession.GetOr(s, "a", 0); n != 1 || err != nil {
			t.Errorf("%s: a is %d, %v", when, n, err)
		}
	}
	for name, begin := range map[string]func(w http.ResponseWriter){
		"write":  func(w http.ResponseWriter) { io.WriteString(w, "hello") },
		"status": func(w http.ResponseWriter) { w.WriteHeader(200) },
		"flush":  func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"end":    func(w http.ResponseWriter) {},
	} {
		visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			kept = s
			if begin(w); name != "end" {
				late("after "+name, s)
			}
		})
		late("after the handler", kept)

		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			want := djsession.ErrResponseStarted
			if begin(w); name == "end" {
				want = nil
			}
			if _, err := djsession.FromRequest(r); !errors.Is(err, want) {
				t.Errorf("FromRequest after %s: %v", name, err)
			}
		})).ServeHTTP(httptest.NewRecorder(), request(key))
	}
	if holds(t, store, key) != `{"a":1}` {
		t.Errorf("stored %s", holds(t, store, key))
	}
}

// http.ResponseController can do the same with our ResponseWriter as with the server's.
func TestResponseController(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		store, m := newSite(t)
		server := serve(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 1)
			rc := http.NewResponseController(w)
			for what, err := range map[string]error{
				"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(time.Hour)),
				"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(time.Hour)),
				"EnableFullDuplex": rc.EnableFullDuplex(),
				"Flush":            rc.Flush(),
			} {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			if err := s.Set("a", 2); !errors.Is(err, djsession.ErrResponseStarted) {
				t.Errorf("set after a flush: %v", err)
			}
			io.WriteString(w, "hello")
			if err := w.(interface{ FlushError() error }).FlushError(); err != nil {
				t.Errorf("FlushError: %v", err)
			}
		})))
		got := fetch(t.Context(), server, "")
		if got.status != 200 || got.body != "hello" || holds(t, store, got.cookie(t)) != `{"a":1}` {
			t.Errorf("%+v", got)
		}
	})
}

// pushing is a ResponseWriter that supports server push, which Go's own client refuses.
type pushing struct {
	*httptest.ResponseRecorder
	pushed []string
}

func (p *pushing) Push(target string, options *http.PushOptions) error {
	p.pushed = append(p.pushed, target)
	return nil
}

func TestPush(t *testing.T) {
	_, m := newSite(t)
	h := m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		err := w.(http.Pusher).Push("/style.css", nil)
		s.Set("pushed", err == nil)
		if err != nil && !errors.Is(err, http.ErrNotSupported) {
			t.Error(err)
		}
	}))
	w := &pushing{ResponseRecorder: httptest.NewRecorder()}
	if h.ServeHTTP(w, request("")); len(w.pushed) != 1 || cookieOf(t, w.ResponseRecorder) == "" {
		t.Errorf("pushed %q", w.pushed)
	}
	overEachProtocol(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		if got := fetch(t.Context(), serve(h), ""); got.status != 200 || got.cookie(t) == "" {
			t.Errorf("%+v", got)
		}
	})
}
