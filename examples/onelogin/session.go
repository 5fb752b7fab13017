package main

import (
	"net/http"

	"github.com/djsess/djsess/djsession"
)

func (s *service) setSessionForm(w http.ResponseWriter, r *http.Request) error {
	return render(w, "setsession.html", nil)
}

func (s *service) setSession(w http.ResponseWriter, r *http.Request) error {
	sess, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	if err := sess.Update(map[string]any{
		"sname":  r.PostFormValue("sname"),
		"semail": r.PostFormValue("semail"),
	}); err != nil {
		return err
	}
	http.Redirect(w, r, "/go/getsession", http.StatusSeeOther)
	return nil
}

// getSession shows what either side has set. The page asks the session itself: {{.GetString "sname"}}.
func (s *service) getSession(w http.ResponseWriter, r *http.Request) error {
	sess, err := djsession.FromRequest(r)
	if err != nil {
		return err
	}
	return render(w, "getsession.html", sess)
}
