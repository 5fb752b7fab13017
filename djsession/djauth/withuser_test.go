package djauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

// WithUser calls the handler with the session and its user, sends anonymous visitors to the
// login page, and answers errors.
func TestWithUser(t *testing.T) {
	zoe := &djauth.User{ID: "17", Username: "zoe"}
	for _, c := range []struct {
		name  string
		login bool
		err   error
		want  int
		saved bool
	}{
		{"anonymous", false, nil, http.StatusFound, false},
		{"logged in", true, nil, http.StatusOK, true},
		{"an error", true, errors.New("the handler failed"), http.StatusInternalServerError, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			site := djsessiontest.NewSite(nil, zoe)
			var reported []error
			site.Manager.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
				reported = append(reported, err)
				djsession.ServeError(w, r, err)
			}
			handler := site.Manager.Handler(site.Auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
				if same, err := djsession.FromRequest(r); same != s || err != nil || user.Username != "zoe" {
					t.Errorf("session %v, %v, %v", s, user, err)
				}
				return errors.Join(s.Set("seen", true), c.err)
			}))
			r := httptest.NewRequest("GET", "/", nil)
			if c.login {
				site.Login(r, zoe)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.want || fmt.Sprint(reported) != fmt.Sprint(errorsOf(c.err)) {
				t.Errorf("status %d, want %d; reported %v", w.Code, c.want, reported)
			}
			if saved := site.Session(r).Has("seen"); saved != c.saved {
				t.Errorf("saved: %v", saved)
			}
		})
	}
}

func errorsOf(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}
