package main

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
)

// service is the Go side: pages beside a Django site, for the same visitors.
type service struct {
	store   storeurl.Store
	manager *djsession.Manager
	auth    *djauth.Auth
}

// newService opens the sessions and the users of a site with Django 5.2. Apart from these two settings the site has Django's
// defaults.
func newService(ctx context.Context, databaseURL, secretKey string) (*service, error) {
	settings, err := djsession.NewSettings("5.2", secretKey)
	if err != nil {
		return nil, err
	}
	settings.DefaultsConfirmed = true
	store, err := storeurl.Open(databaseURL, settings)
	if err != nil {
		return nil, err
	}
	s := &service{store: store}
	if err := s.open(ctx, settings); err != nil {
		store.Close()
		return nil, err
	}
	return s, nil
}

func (s *service) open(ctx context.Context, settings *djsession.Settings) error {
	manager, err := djsession.NewManager(s.store)
	if err != nil {
		return err
	}
	manager.AcceptEmptyStore = true // only for a new site, which has no sessions yet
	if err := manager.Check(ctx); err != nil {
		return err
	}
	users, err := djauth.UsersIn(s.store, djauth.UserModel{Extra: []string{"email"}})
	if err != nil {
		return err
	}
	s.manager = manager
	if s.auth, err = djauth.New(users); err != nil {
		return err
	}
	return s.auth.Check(ctx, manager)
}

// Handler returns the handler of all pages. Most pages are called with the visitor's session. If a page returns an error, the
// error is logged, the response has status 500, and the session is not saved. CrossOriginProtection refuses posts from other
// sites, as Django's CSRF protection does.
func (s *service) Handler() http.Handler {
	mux := http.NewServeMux()
	session, user := s.manager.WithSession, s.auth.WithUser
	mux.Handle("GET /go/{$}", session(s.whoAmI))
	mux.HandleFunc("GET /go/setsession", setSessionForm)
	mux.Handle("POST /go/setsession", session(s.setSession))
	mux.Handle("GET /go/getsession", session(s.getSession))
	mux.Handle("GET /go/cart", session(s.showCart))
	mux.Handle("POST /go/cart", session(s.changeCart))
	mux.Handle("GET /go/account", user(s.account))
	mux.Handle("POST /go/logout", session(s.logout))
	mux.HandleFunc("GET /go/style.css", style)
	return http.NewCrossOriginProtection().Handler(s.manager.Handler(mux))
}

// Close closes the database.
func (s *service) Close() error { return s.store.Close() }

// databaseURL returns the DATABASE_URL for a SQLite file.
func databaseURL(path string) string {
	return "sqlite:///" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}
