package djauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
)

// A page for those who are logged in: at the Django site, or here.
func Example() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	// A program has these from storeurl.Open and djauth.UsersIn.
	store, users := &memoryStore{settings: settings}, memoryUsers{}

	manager, err := djsession.NewManager(store)
	if err != nil {
		log.Fatal(err)
	}
	manager.AcceptEmptyStore = true // for a site that has no session yet
	auth, err := djauth.New(users)
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("/account/", auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
		fmt.Fprintln(w, "hello", user.Username)
		return nil
	}))
	// Where an identity provider sends those back whom it has let in.
	mux.HandleFunc("/sso/", func(w http.ResponseWriter, r *http.Request) {
		user, err := users.User(r.Context(), "17")
		if err == nil {
			err = auth.Login(w, r, user, "")
		}
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		http.Redirect(w, r, "/account/", http.StatusFound)
	})
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

func visit(site http.Handler, target string, cookies []*http.Cookie) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	for _, cookie := range cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w.Result()
}

// memoryUsers is the least that is a djauth.Users.
type memoryUsers struct{}

func (memoryUsers) PrimaryKey() djauth.PrimaryKey { return djauth.Integer }

func (memoryUsers) User(ctx context.Context, id string) (*djauth.User, error) {
	if id != "17" {
		return nil, djauth.ErrNoUser
	}
	return &djauth.User{ID: id, Username: "zoe", Password: "pbkdf2_sha256$…", IsActive: true}, nil
}

func (memoryUsers) SetLastLogin(ctx context.Context, id string, at time.Time) error { return nil }

// memoryStore keeps sessions for as long as the example runs.
type memoryStore struct {
	settings *djsession.Settings
	sessions map[string]*djsession.Record
}

func (s *memoryStore) Settings() *djsession.Settings { return s.settings }

func (s *memoryStore) Load(ctx context.Context, key string) (*djsession.Record, error) {
	if r, ok := s.sessions[key]; ok {
		return r, nil
	}
	return nil, djsession.ErrNotFound
}

func (s *memoryStore) Create(ctx context.Context, key string, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	if key == "" {
		key = djsession.NewKey()
	}
	return s.put(key, v, expires), nil
}

func (s *memoryStore) Replace(ctx context.Context, old *djsession.Record, v *djsession.Values, expires time.Time) (*djsession.Record, error) {
	return s.put(old.Key, v, expires), nil
}

func (s *memoryStore) Delete(ctx context.Context, key string) error {
	delete(s.sessions, key)
	return nil
}

func (s *memoryStore) put(key string, v *djsession.Values, expires time.Time) *djsession.Record {
	if s.sessions == nil {
		s.sessions = map[string]*djsession.Record{}
	}
	s.sessions[key] = &djsession.Record{Key: key, Values: v.Clone(), Expires: expires}
	return s.sessions[key]
}
