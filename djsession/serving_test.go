package djsession_test

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// overEachProtocol runs f with a function that starts a real server. Its client keeps no cookies
// and follows no redirects.
func overEachProtocol(t *testing.T, f func(t *testing.T, serve func(http.Handler) *httptest.Server)) {
	for _, protocol := range []struct {
		name  string
		http2 bool
	}{{"HTTP1", false}, {"HTTP2", true}} {
		t.Run(protocol.name, func(t *testing.T) {
			f(t, func(h http.Handler) *httptest.Server { return serving(t, protocol.http2, h) })
		})
	}
}

func serving(t testing.TB, http2 bool, h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // some handlers panic
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return server
}

// fetched is a response, or the error in place of it.
type fetched struct {
	status int
	header http.Header
	body   string
	err    error
}

// fetch sends a request with a session key.
func fetch(ctx context.Context, server *httptest.Server, key string) fetched {
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	if err != nil {
		return fetched{err: err}
	}
	if key != "" {
		r.Header.Set("Cookie", "sessionid="+key)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		return fetched{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return fetched{res.StatusCode, res.Header, string(body), err}
}

// cookie returns the session key that the response sets: see cookieOf.
func (f fetched) cookie(t testing.TB) string {
	t.Helper()
	w := httptest.NewRecorder()
	maps.Copy(w.Header(), f.header)
	return cookieOf(t, w)
}

// view returns a handler that gets its session.
func view(f func(w http.ResponseWriter, r *http.Request, s *djsession.Session)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := djsession.FromRequest(r)
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		f(w, r, s)
	})
}

// brittle is a store that the test can make fail. It calls before at the beginning of each
// operation, and returns its error.
type brittle struct {
	*dbstore.Store
	before func(ctx context.Context, op string) error
}

var errDown = errors.New("the store is down")

// downFor returns a before that fails these operations.
func downFor(ops ...string) func(context.Context, string) error {
	return func(ctx context.Context, op string) error {
		for _, down := range ops {
			if op == down {
				return errDown
			}
		}
		return nil
	}
}

func (b *brittle) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if err := b.before(ctx, "load"); err != nil {
		return nil, err
	}
	return b.Store.Load(ctx, key)
}

func (b *brittle) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if err := b.before(ctx, "create"); err != nil {
		return nil, err
	}
	return b.Store.Create(ctx, key, v, expires)
}

func (b *brittle) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if err := b.before(ctx, "replace"); err != nil {
		return nil, err
	}
	return b.Store.Replace(ctx, old, v, expires)
}

func (b *brittle) Delete(ctx context.Context, key string) error {
	if err := b.before(ctx, "delete"); err != nil {
		return err
	}
	return b.Store.Delete(ctx, key)
}

func (b *brittle) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	if err := b.before(ctx, "delete"); err != nil {
		return err
	}
	return b.Store.DeleteUnchanged(ctx, old)
}

// newBrittle returns a brittle store and a manager over it.
func newBrittle(t testing.TB) (*brittle, *djsession.Manager) {
	t.Helper()
	return brittleWith(t, mustSettings(t))
}

func brittleWith(t testing.TB, settings *djsession.Settings) (*brittle, *djsession.Manager) {
	t.Helper()
	store := &brittle{newStore(t, settings), downFor()}
	return store, newManager(t, store, settings)
}
