package djsession_test

import (
	"bytes"
	"context"
	"errors"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
	"github.com/djsess/djsess/internal/testing/edit"
)

// brokenStore loses its connection at a statement, before or after the database has executed it.
type brokenStore struct {
	*dbstore.Store
	at    string
	after bool
	hook  func()
}

var errBroken = errors.New("connection lost")

func (s *brokenStore) run(name string, do func() error) error {
	if s.hook != nil {
		s.hook()
	}
	if s.at != name {
		return do()
	}
	s.at = ""
	if s.after {
		if err := do(); err != nil {
			return err
		}
	}
	return errBroken
}

func (s *brokenStore) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (r *djsession.Record, err error) {
	err = s.run("create", func() error { r, err = s.Store.Create(ctx, key, v, expires); return err })
	return r, err
}

func (s *brokenStore) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (r *djsession.Record, err error) {
	err = s.run("replace", func() error { r, err = s.Store.Replace(ctx, old, v, expires); return err })
	return r, err
}

func (s *brokenStore) DeleteUnchanged(ctx context.Context, old *djsession.Record) error {
	return s.run("delete", func() error { return s.Store.DeleteUnchanged(ctx, old) })
}

// If the connection breaks during CycleKey, the visitor's session is stored under the key that the
// cookie has afterwards. It is stored under no other key, unless the outcome of a statement is
// unknown.
func TestCycleKeyWithABrokenConnection(t *testing.T) {
	for _, at := range []string{"create", "delete", "replace"} {
		for _, after := range []bool{false, true} {
			store, _ := newSite(t)
			key := stored(t, store, `{"a":1}`)
			broken := &brokenStore{Store: store, at: at, after: after}
			m := newManager(t, broken, mustSettings(t))
			w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
				err := s.CycleKey(r.Context())
				if err == nil {
					err = s.Set("b", 2)
				}
				if err != nil {
					djsession.Error(w, r, err)
				}
			})
			now := cookieOf(t, w)
			if now == "" {
				now = key
			}
			if got := holds(t, store, now); !strings.HasPrefix(got, `{"a":1`) {
				t.Errorf("%s, after %v: status %d, cookie %q, which holds %s", at, after, w.Code, cookieOf(t, w), got)
			}
			if n, doubled := count(t, store), at == "create" && after || at == "delete" && !after; n != 1 && !doubled {
				t.Errorf("%s, after %v: %d sessions", at, after, n)
			}
		}
	}
}

// CycleKey finishes even if the client leaves during it.
func TestCycleKeyOfAClientThatLeaves(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"a":1}`)
	broken := &brokenStore{Store: store}
	m := newManager(t, broken, mustSettings(t))
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		ctx, cancel := context.WithCancel(r.Context())
		broken.hook = cancel
		if err := s.CycleKey(ctx); err != nil {
			t.Error(err)
		}
	})
	if now := cookieOf(t, w); holds(t, store, now) != `{"a":1}` || holds(t, store, key) != "nothing" {
		t.Errorf("cookie %q", now)
	}
}

// A save whose outcome is unknown is not repeated, unless the handler saves again.
func TestSaveOfUnknownOutcome(t *testing.T) {
	store, _ := newSite(t)
	key := stored(t, store, `{"n":1}`)
	m := newManager(t, &brokenStore{Store: store, at: "replace", after: true}, mustSettings(t))
	w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		if err := s.Apply(edit.Add("n", 1)); err != nil {
			t.Error(err)
		}
		if err := s.Save(r.Context()); !errors.Is(err, errBroken) {
			t.Error(err)
		}
	})
	if got := holds(t, store, key); got != `{"n":2}` || w.Code != 500 {
		t.Errorf("status %d, stored %s", w.Code, got)
	}
}

func count(t *testing.T, store *dbstore.Store) (n int) {
	t.Helper()
	for _, err := range store.Scan(t.Context(), djsession.Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// net/http cleans up after a request as usual: it deletes the files of an upload.
func TestUploadsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	_, m := newSite(t)
	server := httptest.NewServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "multipart-*")); len(files) == 0 {
			t.Error("the upload was not written to a file")
		}
	})))
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("f", "f")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(make([]byte, 11<<20))
	form.Close()
	response, err := http.Post(server.URL, form.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	server.Close() // waits for the end of the request
	if files, _ := filepath.Glob(filepath.Join(dir, "multipart-*")); len(files) > 0 {
		t.Errorf("%d files are left", len(files))
		for _, file := range files {
			os.Remove(file)
		}
	}
}

// If a Django behind a Go proxy sets the session cookie itself, Go keeps that cookie.
func TestCookieOfAProxiedDjango(t *testing.T) {
	for _, everyRequest := range []bool{false, true} {
		settings := mustSettings(t)
		settings.SessionSaveEveryRequest = everyRequest
		store := newStore(t, settings)
		m := newManager(t, store, settings)
		for _, key := range []string{"stale0stale0stale0stale0", stored(t, store, `{"a":1}`)} {
			w := visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
				s.GetString("a")
				w.Header().Add("Set-Cookie", "sessionid=django0s; Path=/")
				if err := store.Delete(r.Context(), key); err != nil && !errors.Is(err, djsession.ErrNotFound) {
					t.Error(err)
				}
			})
			if got := cookieOf(t, w); got != "django0s" || w.Code != 200 {
				t.Errorf("status %d, cookie %q", w.Code, got)
			}
		}
	}
}

func TestDeleteKeepsItsNames(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1,"b":1}`)
	visit(t, m, key, func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
		names := []string{"a"}
		if err := s.Delete(names...); err != nil {
			t.Error(err)
		}
		names[0] = "b"
		if _, err := djsession.Update(r.Context(), store, key, edit.Set("c", 1)); err != nil {
			t.Error(err)
		}
	})
	if got := holds(t, store, key); got != `{"b":1,"c":1}` {
		t.Errorf("stored %s", got)
	}
}
