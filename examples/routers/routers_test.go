package routers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
)

func TestRouters(t *testing.T) {
	for name, service := range map[string]func(*djsession.Manager, *djauth.Auth) http.Handler{
		"net/http": NetHTTP, "chi": Chi, "echo": Echo, "gin": Gin,
	} {
		t.Run(name, func(t *testing.T) {
			zoe := &djauth.User{ID: "17", Username: "zoe"}
			site := djsessiontest.NewSite(nil, zoe)
			handler := service(site.Manager, site.Auth)
			visit := func(path string, login bool) string {
				r := httptest.NewRequest("GET", path, nil)
				if login {
					site.Login(r, zoe)
				}
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				answer := fmt.Sprint(w.Code, " ", w.Header().Get("Location"), w.Body)
				if login && w.Code == 200 && path == "/account/visits" {
					if raw, _ := site.Session(r).Raw("visits"); raw != "1" {
						t.Errorf("the session has visits: %s", raw)
					}
				}
				return answer
			}
			for _, c := range []struct {
				path  string
				login bool
				want  string
			}{
				{"/hello", false, "200 hello\n"},
				{"/account/visits", false, "302 /accounts/login/?next=/account/visits"},
				{"/account/visits", true, "200 visits: 1\n"},
				{"/api/me", false, "401 "},
				{"/api/me", true, "200 user: zoe\n"},
			} {
				if got := visit(c.path, c.login); got != c.want {
					t.Errorf("%s, logged in %v: %q, want %q", c.path, c.login, got, c.want)
				}
			}
		})
	}
}
