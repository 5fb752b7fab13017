package djsession_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/djsess/djsess/djsession"
)

// An error that a handler passes to Error is logged once, even if the manager has reported it
// already.
func TestErrorIsLoggedOnce(t *testing.T) {
	store, m := newSite(t)
	key := stored(t, store, `{"a":1}`)
	for _, c := range []struct {
		name string
		view func(w http.ResponseWriter, r *http.Request)
		want string
	}{
		{"the handler's own", func(w http.ResponseWriter, r *http.Request) {
			djsession.Error(w, r, errTest)
		}, "ERROR session error"},
		{"of a change", func(w http.ResponseWriter, r *http.Request) {
			s, err := djsession.FromRequest(r)
			if err == nil {
				err = s.Set("c", make(chan int))
			}
			djsession.Error(w, r, err)
		}, "ERROR session error"},
		{"of a save", func(w http.ResponseWriter, r *http.Request) {
			s, err := djsession.FromRequest(r)
			if err == nil {
				err = errors.Join(s.Set("b", 1), store.Delete(r.Context(), key))
			}
			if err != nil {
				t.Error(err)
			}
			djsession.Error(w, r, s.Save(r.Context()))
		}, "INFO session save"},
		{"of the load", func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			_, err := djsession.FromRequest(r.WithContext(ctx))
			djsession.Error(w, r, err)
		}, "INFO session load"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			m.Observer = djsession.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
			w := httptest.NewRecorder()
			m.Handler(http.HandlerFunc(c.view)).ServeHTTP(w, request(key))
			if w.Code < 400 {
				t.Errorf("status %d", w.Code)
			}
			got := strings.NewReplacer("level=", "", `msg="`, "").Replace(log.String())
			if strings.Count(got, "\n") != 1 || !strings.Contains(got, c.want) {
				t.Errorf("logged:\n%s\nwant %s", got, c.want)
			}
		})
	}
}

// Check reports that an empty store proves nothing, unless the manager expects an empty store.
func TestCheckOfAnEmptyStore(t *testing.T) {
	_, m := newSite(t)
	for _, expected := range []bool{false, true} {
		var log bytes.Buffer
		m.AcceptEmptyStore = expected
		m.Observer = djsession.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
		if err := m.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if said := strings.Contains(log.String(), "no live session"); said == expected {
			t.Errorf("expected %v: logged %s", expected, log.String())
		}
	}
}

// Any visitor can cause refusals. So refusals of one kind are logged only once in ten seconds, with
// their number.
func TestRefusalsAreLoggedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		observe := djsession.LogEvents(slog.New(slog.NewTextHandler(&log, nil)))
		refuse := func(err error) {
			observe(t.Context(), djsession.Event{Kind: djsession.EventRefusal, Session: "abcdef…", Err: fmt.Errorf("load: %w", err)})
		}
		for range 1000 {
			refuse(djsession.ErrBadSignature)
			refuse(djsession.ErrForeignCookie)
		}
		if n := strings.Count(log.String(), "\n"); n != 2 {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
		time.Sleep(11 * time.Second)
		log.Reset()
		refuse(djsession.ErrBadSignature)
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "count=1000") {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
	})
}
