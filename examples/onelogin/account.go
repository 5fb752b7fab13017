package main

import (
	"net/http"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
)

// whoAmI is a page for every visitor. user is nil if the visitor is not logged in.
func (s *service) whoAmI(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
	user, err := s.auth.User(r)
	if err != nil {
		return err
	}
	return render(w, "whoami.html", user)
}

// account is a page for visitors who are logged in.
func (s *service) account(w http.ResponseWriter, r *http.Request, _ *djsession.Session, user *djauth.User) error {
	email, err := djauth.Column[string](user, "email")
	if err != nil {
		return err
	}
	return render(w, "account.html", map[string]any{"User": user, "Email": email})
}

func (s *service) logout(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
	if err := s.auth.Logout(r); err != nil {
		return err
	}
	http.Redirect(w, r, "/go/", http.StatusSeeOther)
	return nil
}
