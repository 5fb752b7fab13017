package djauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/djsessiontest"
	"github.com/djsess/djsess/djsession/storeurl"
)

type cart map[string]int

// A service that shares the logins and the sessions of a Django site.
func Example_service() {
	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
	check(err)
	settings.UseTZ, settings.TimeZone = true, "Europe/Berlin" // as in settings.py
	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
	check(err)
	manager, err := djsession.NewManager(store)
	check(err)
	check(manager.Check(context.Background()))              // is it the site's SECRET_KEY, and the site's database?
	users, err := djauth.UsersIn(store, djauth.UserModel{}) // auth_user; or your AUTH_USER_MODEL's table and columns
	check(err)
	auth, err := djauth.New(users)
	check(err)
	check(auth.Check(context.Background(), manager)) // are the users and their session auth hashes the site's?
	auth.LoginURL = "/accounts/login/"

	mux := http.NewServeMux()
	mux.Handle("POST /go/cart", auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
		err := s.Apply(func(v *djsession.Values) error { // runs again if Django changes the session in between
			c, err := djsession.GetOr(v, "cart", cart{})
			if err != nil {
				return err
			}
			c[r.FormValue("sku")]++
			return v.Set("cart", c)
		})
		if err == nil {
			fmt.Fprintf(w, "thank you, %s\n", user.Username)
		}
		return err
	}))
	mux.Handle("GET /go/cart", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		c, err := djsession.GetOr(s, "cart", cart{}) // Django's session.get("cart", {})
		if err == nil {
			fmt.Fprintln(w, "hello", s.GetString("name"), c)
		}
		return err
	}))
	mux.Handle("POST /go/logout", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		err := auth.Logout(r)
		if err == nil {
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
		return err
	}))
	site := http.NewCrossOriginProtection().Handler(manager.Handler(mux)) // Django's CSRF protection, in Go
	log.Fatal(http.ListenAndServe("127.0.0.1:8001", site))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A page for visitors who are logged in, at the Django site or here.
func Example() {
	zoe := &djauth.User{ID: "17", Username: "zoe"}
	// In a program the manager and the Auth are over storeurl.Open and djauth.UsersIn.
	memory := djsessiontest.NewSite(nil, zoe)
	manager, auth := memory.Manager, memory.Auth

	mux := http.NewServeMux()
	mux.Handle("/account/", auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
		fmt.Fprintln(w, "hello", user.Username)
		return nil
	}))
	// An identity provider redirects visitors to this page after it has authenticated them.
	mux.Handle("/sso/", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		user, err := memory.Users.User(r.Context(), "17")
		if err != nil {
			return err
		}
		if err := auth.Login(w, r, user, ""); err != nil {
			return err
		}
		http.Redirect(w, r, "/account/", http.StatusFound)
		return nil
	}))
	site := manager.Handler(mux)

	w := visit(site, "/account/?tab=1", nil)
	fmt.Println(w.StatusCode, w.Header.Get("Location"))
	w = visit(site, "/sso/", nil)
	fmt.Println(w.StatusCode, w.Header.Get("Location"), len(w.Cookies()), "cookies")
	w = visit(site, "/account/", w.Cookies())
	body, _ := io.ReadAll(w.Body)
	fmt.Print(w.StatusCode, " ", string(body))
	// Output:
	// 302 /accounts/login/?next=/account/%3Ftab%3D1
	// 302 /account/ 2 cookies
	// 200 hello zoe
}

// A user model like that of pretix, whose get_session_auth_hash has a salt of its own and
// depends on two more columns.
func ExampleSessionHash() {
	zoe := &djauth.User{
		ID: "17", Username: "zoe@example.com", Password: "md5$salt$digest",
		Extra: map[string]any{"email": "zoe@example.com", "session_token": "t0"},
	}
	// In a program the Auth is over djauth.UsersIn(store, djauth.UserModel{
	// 	Table: "pretixbase_user", Username: "email", Extra: []string{"email", "session_token"}}).
	auth := djsessiontest.NewSite(nil, zoe).Auth
	auth.SessionAuthHash = djauth.SessionHash{
		Salt:    "pretix.base.models.User.get_session_auth_hash",
		Columns: []string{"password", "email", "session_token"},
	}.Hash

	hash, err := auth.SessionAuthHash(zoe, "the site's SECRET_KEY")
	fmt.Println(hash, err) // what Django stores as _auth_user_hash
	// Output: dcd276a1d45d2b7214efce9a88ab77c8c67352e8 <nil>
}

func visit(site http.Handler, target string, cookies []*http.Cookie) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w.Result()
}
