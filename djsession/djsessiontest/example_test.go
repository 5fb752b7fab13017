package djsessiontest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

// newHandler is a service whose handlers are to be tested.
func newHandler(manager *djsession.Manager, auth *djauth.Auth) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /visits", auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
		visits, err := djsession.GetOr(s, "visits", 0)
		if err != nil {
			return err
		}
		if err := s.Set("visits", visits+1); err != nil {
			return err
		}
		fmt.Fprintf(w, "hello %s, %d visits before\n", user.Username, visits)
		return nil
	}))
	return manager.Handler(mux)
}

// A handler is called by a visitor who is not logged in, and by one who is.
func Example() {
	zoe := &djauth.User{ID: "17", Username: "zoe"}
	site := djsessiontest.NewSite(nil, zoe)
	handler := newHandler(site.Manager, site.Auth)

	// Without a login.
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("POST", "/visits", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))

	// With a login, and a session that holds a value.
	r := httptest.NewRequest("POST", "/visits", nil)
	site.Login(r, zoe)
	site.SetSession(r, map[string]any{"visits": 3})
	w = httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Code, " ", w.Body)

	// What the handler has stored.
	raw, _ := site.Session(r).Raw("visits")
	fmt.Println(raw)
	// Output:
	// 302 /accounts/login/?next=/visits
	// 200 hello zoe, 3 visits before
	// 4
}
