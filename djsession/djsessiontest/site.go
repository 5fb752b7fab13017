// Package djsessiontest is for the tests of handlers that use packages djsession and djauth.
// It needs no Django, no database and no network.
//
// A [Site] has a store and users in memory, and the Manager and the Auth over them that the
// handlers under test get. Its methods log a user in for a request, and set and read the
// session of a request:
//
//	zoe := &djauth.User{ID: "17", Username: "zoe"}
//	site := djsessiontest.NewSite(nil, zoe)
//	handler := newHandler(site.Manager, site.Auth) // the handlers under test
//
//	r := httptest.NewRequest("GET", "/account/", nil)
//	site.Login(r, zoe)
//	w := httptest.NewRecorder()
//	handler.ServeHTTP(w, r)
//
// If the program makes its Manager and Auth itself, give it site.Store and site.Users, and
// set the fields of site.Auth as the program does (AuthenticationBackends, SessionAuthHash).
package djsessiontest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
)

// Site is what the handlers under test see of a Django site: its sessions and its users,
// in memory. Its methods panic if something is wrong, as those of package httptest do.
type Site struct {
	Store *Store
	Users *Users
	// Manager is over Store. Its AcceptEmptyStore is on.
	Manager *djsession.Manager
	// Auth is over Users, with Django's defaults.
	Auth *djauth.Auth
}

// NewSite returns a site with these users. Nil settings are those of NewStore.
func NewSite(settings *djsession.Settings, users ...*djauth.User) *Site {
	s := &Site{Store: NewStore(settings), Users: NewUsers(users...)}
	s.Manager = must(djsession.NewManager(s.Store))
	s.Manager.AcceptEmptyStore = true
	s.Auth = must(djauth.New(s.Users))
	return s
}

// Login logs a user in: it stores a session that names the user, and adds its cookies to
// the request. The values of a session that the request already has are kept as Django's
// login keeps them.
func (s *Site) Login(r *http.Request, user *djauth.User) {
	s.visit(r, func(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
		stored, err := s.Users.User(r.Context(), user.ID)
		if err != nil {
			return fmt.Errorf("login: %v is not among Users: %w", user, err)
		}
		return s.Auth.Login(w, r, stored, "")
	})
}

// SetSession sets values of the request's session. If the request has none, it stores a new
// session and adds its cookie to the request.
func (s *Site) SetSession(r *http.Request, values map[string]any) {
	s.visit(r, func(_ http.ResponseWriter, _ *http.Request, session *djsession.Session) error {
		return session.SetAll(values)
	})
}

// Session returns what is stored of the request's session. It has no values if the request
// has no session, or if the session was ended.
func (s *Site) Session(r *http.Request) *djsession.Values {
	var values *djsession.Values
	s.visit(r, func(_ http.ResponseWriter, _ *http.Request, session *djsession.Session) error {
		values = session.Values()
		return nil
	})
	return values
}

// Continue adds to a request the cookies that the browser would send after a response: the
// next request of the same visitor. The earlier request is nil if it had no cookies.
func (s *Site) Continue(r, earlier *http.Request, response *http.Response) {
	if earlier != nil {
		setCookies(r, earlier.Cookies())
	}
	setCookies(r, response.Cookies())
}

// visit calls view as a handler for the visitor who makes the request, and puts the cookies
// of the response into the request.
func (s *Site) visit(r *http.Request, view func(http.ResponseWriter, *http.Request, *djsession.Session) error) {
	var failure error
	manager := must(djsession.NewManager(s.Store)) // the Observer and ErrorHandler of s.Manager are for the handlers under test
	manager.AcceptEmptyStore = true
	manager.UnwrapCookie, manager.WrapCookie = s.Manager.UnwrapCookie, s.Manager.WrapCookie
	manager.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
		failure = errors.Join(failure, err)
		w.WriteHeader(http.StatusInternalServerError)
	}
	own := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(context.WithoutCancel(r.Context()))
	own.Header["Cookie"] = r.Header["Cookie"]
	w := httptest.NewRecorder()
	manager.WithSession(view).ServeHTTP(w, own)
	if failure != nil {
		panic(fmt.Errorf("djsessiontest: %w", failure))
	}
	setCookies(r, w.Result().Cookies())
}

// setCookies adds cookies to a request, in place of those of the same names. It removes
// those that are to be deleted.
func setCookies(r *http.Request, cookies []*http.Cookie) {
	for _, cookie := range cookies {
		before := r.Cookies()
		r.Header.Del("Cookie")
		for _, c := range before {
			if c.Name != cookie.Name {
				r.AddCookie(c)
			}
		}
		if cookie.MaxAge >= 0 {
			r.AddCookie(cookie)
		}
	}
}
