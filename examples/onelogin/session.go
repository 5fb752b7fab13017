package main

import (
	"net/http"

	"github.com/djsess/djsess/djsession"
)

func setSessionForm(w http.ResponseWriter, r *http.Request) {
	if err := render(w, "setsession.html", nil); err != nil {
		djsession.Error(w, r, err)
	}
}

func (s *service) setSession(w http.ResponseWriter, r *http.Request, sess *djsession.Session) error {
	if err := sess.SetAll(map[string]any{
		"sname":  r.PostFormValue("sname"),
		"semail": r.PostFormValue("semail"),
	}); err != nil {
		return err
	}
	http.Redirect(w, r, "/go/getsession", http.StatusSeeOther)
	return nil
}

// getSession shows the values, which either side may have set. The template reads them from the
// session: {{.GetString "sname"}}.
func (s *service) getSession(w http.ResponseWriter, r *http.Request, sess *djsession.Session) error {
	return render(w, "getsession.html", sess)
}
