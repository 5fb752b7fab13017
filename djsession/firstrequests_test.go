package djsession_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/djsess/djsess/djsession"
)

// With SESSION_SAVE_EVERY_REQUEST, a handler that only reads the session can hijack the connection,
// even if Go may not write yet.
func TestHijackWhereEachRequestSavesUnderAnUnknownKey(t *testing.T) {
	site, ours := mustSettings(t), mustSettings(t)
	ours.SecretKey, ours.SecretKeyFallbacks, ours.SessionSaveEveryRequest = "another", []string{site.SecretKey}, true
	store := newStore(t, site)
	key := stored(t, store, `{"a":1}`)
	m := newManager(t, reopen(t, store, ours), ours)
	server := httptest.NewServer(m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		s.Has("a")
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		conn.Close()
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nCookie: sessionid=%s\r\n\r\n", key)
	line, _ := bufio.NewReader(conn).ReadString('\n')
	if line != "HTTP/1.1 101 Switching Protocols\r\n" {
		t.Errorf("answer %q", line)
	}
	if got := holds(t, store, key); got != `{"a":1}` {
		t.Errorf("Django reads %s", got)
	}
}

// The first requests arrive at the same time. None deletes a cookie, and none signs with a key that
// is not the site's.
func TestFirstRequestsAtOnce(t *testing.T) {
	for range 5 {
		site, ours := mustSettings(t), mustSettings(t)
		ours.SecretKey, ours.SecretKeyFallbacks = "another", []string{site.SecretKey}
		store := newStore(t, site)
		m := newManager(t, reopen(t, store, ours), ours)
		m.AcceptEmptyStore = false
		m.Observer = nil
		var wg sync.WaitGroup
		for i := range 30 {
			key := stored(t, store, `{"a":1}`)
			cookie := []string{key, djsession.NewKey(), ""}[i%3]
			wg.Go(func() {
				w := httptest.NewRecorder()
				m.Handler(view(setGo)).ServeHTTP(w, request(cookie))
				if cookieOf(t, w) != "" || w.Code != 500 {
					t.Errorf("status %d, cookie %q", w.Code, cookieOf(t, w))
				}
				if got := holds(t, store, key); got != `{"a":1}` {
					t.Errorf("Django reads %s", got)
				}
			})
		}
		wg.Wait()
	}
}
