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

// service is the Go side: some pages beside a Django site, for the same visitors.
type service struct {
	store   storeurl.Store
	manager *djsession.Manager
	auth    *djauth.Auth
}

// newService opens the sessions and the users of a Django 5.2 that has these two settings, and else Django's defaults.
func newService(ctx context.Context, databaseURL, secretKey string) (*service, error) {
	settings, err := djsession.NewSettings("5.2", secretKey)
	if err != nil {
		return nil, err
	}
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
	manager.AcceptEmptyStore = true // a new site, where nobody has a session yet; a live one needs no such line
	if err := manager.Check(ctx); err != nil {
		return err
	}
	users, err := djauth.UsersIn(s.store, djauth.UserModel{Extra: []string{"email"}})
	if err != nil {
		return err
	}
	s.manager = manager
	s.auth, err = djauth.New(users, settings)
	return err
}

// Handler is all that the service serves. What other sites post is refused, which is Django's CSRF protection in Go.
func (s *service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /go/{$}", page(s.whoAmI))
	mux.Handle("GET /go/setsession", page(s.setSessionForm))
	mux.Handle("POST /go/setsession", page(s.setSession))
	mux.Handle("GET /go/getsession", page(s.getSession))
	mux.Handle("GET /go/cart", page(s.showCart))
	mux.Handle("POST /go/cart", page(s.changeCart))
	mux.Handle("GET /go/account", s.auth.RequireUser(page(s.account)))
	mux.Handle("POST /go/logout", page(s.logout))
	mux.HandleFunc("GET /go/style.css", style)
	return http.NewCrossOriginProtection().Handler(s.manager.Handler(mux))
}

// Close lets go of the database.
func (s *service) Close() error { return s.store.Close() }

// databaseURL is what DATABASE_URL would be for a SQLite file.
func databaseURL(path string) string {
	return "sqlite:///" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
}
