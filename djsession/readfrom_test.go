package djsession_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
)

// copying is a ResponseWriter with ReadFrom, like net/http's.
type copying struct {
	*httptest.ResponseRecorder
	from []io.Reader
}

func (c *copying) ReadFrom(src io.Reader) (int64, error) {
	c.from = append(c.from, src)
	return io.Copy(c.ResponseRecorder, src)
}

// io.Copy passes a file to the server's own ReadFrom, which uses sendfile. The session is saved
// before.
func TestReadFrom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	store, m := newSite(t)
	for name, send := range map[string]func(w http.ResponseWriter, r *http.Request, f *os.File){
		"copy":          func(w http.ResponseWriter, r *http.Request, f *os.File) { io.Copy(w, f) },
		"copy n":        func(w http.ResponseWriter, r *http.Request, f *os.File) { io.CopyN(w, f, 1<<18) },
		"serve content": func(w http.ResponseWriter, r *http.Request, f *os.File) { http.ServeContent(w, r, "", time.Time{}, f) },
	} {
		h := m.Handler(view(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) {
			s.Set("a", 1)
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			send(w, r, f)
		}))
		w := &copying{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, request(""))
		if len(w.from) == 0 || !isFile(w.from[0]) || !bytes.Equal(w.Body.Bytes(), content) || holds(t, store, cookieOf(t, w.ResponseRecorder)) != `{"a":1}` {
			t.Errorf("%s: read from %T, %d bytes", name, w.from, w.Body.Len())
		}
		if got := fetch(t.Context(), serving(t, false, h), ""); got.body != string(content) || got.cookie(t) == "" {
			t.Errorf("%s, served: %d bytes, %v", name, len(got.body), got.err)
		}
	}
}

// isFile reports whether package net sends the reader by sendfile.
func isFile(r io.Reader) bool {
	if limited, ok := r.(*io.LimitedReader); ok {
		r = limited.R
	}
	_, ok := r.(interface {
		Stat() (os.FileInfo, error)
		io.Seeker
	})
	return ok
}
