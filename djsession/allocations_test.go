package djsession_test

import (
	"net/http"
	"testing"
)

// nowhere is a ResponseWriter that discards everything and allocates nothing.
type nowhere struct{ header http.Header }

func (w nowhere) Header() http.Header         { return w.header }
func (w nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w nowhere) WriteHeader(int)             {}

// hello is a handler that does not touch the session.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) })

// A request that does not use the session takes at most 3 allocations more than the bare handler.
func TestUntouchedAllocations(t *testing.T) {
	if raceEnabled {
		return // the race detector allocates, too
	}
	store, m := newSite(t)
	wrapped := m.Handler(hello)
	for name, r := range map[string]*http.Request{"a new visitor": request(""), "a visitor": request(stored(t, store, `{"a":1}`))} {
		for what, header := range map[string]http.Header{
			"without headers": {},
			// These headers are there if other middleware is around.
			"with headers": {"X-Frame-Options": {"DENY"}, "Vary": {"Accept-Encoding"}, "X-Request-Id": {"1"}},
		} {
			w := nowhere{header}
			bare := testing.AllocsPerRun(1000, func() { hello.ServeHTTP(w, r) })
			ours := testing.AllocsPerRun(1000, func() { wrapped.ServeHTTP(w, r) })
			t.Logf("%s, %s: %v allocations, the bare handler %v", name, what, ours, bare)
			if ours > bare+3 {
				t.Errorf("%s, %s: %v allocations more than the bare handler", name, what, ours-bare)
			}
		}
	}
}
