// Service is the Go service of the test of real sites: see testdata/sites/run. It knows a site only by
// its settings file and its SECRET_KEY.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
)

func main() {
	log.SetFlags(0)
	file := flag.String("file", "", "settings file of the site")
	address := flag.String("addr", "", "address to listen at")
	salt := flag.String("hash-salt", "", "key_salt of the user model's own get_session_auth_hash")
	columns := flag.String("hash-columns", "", "columns of that hash, with commas between")
	flag.Parse()

	settings, err := djsession.SettingsFromFile(*file, os.Getenv("DJANGO_SECRET_KEY"))
	check(err)
	store, err := storeurl.OpenFromFile(*file, settings)
	check(err)
	manager, err := djsession.NewManager(store)
	check(err)
	hash := djauth.SessionHash{Salt: *salt, Columns: strings.Split(*columns, ",")}
	var extra []string
	for _, column := range hash.Columns {
		if column != "" && column != "password" {
			extra = append(extra, column)
		}
	}
	auth, err := djauth.FromFile(*file, store, extra...)
	check(err)
	if *salt != "" {
		auth.SessionAuthHash = hash.Hash
	}
	check(manager.Check(context.Background()))
	check(auth.Check(context.Background(), manager))

	mux := http.NewServeMux()
	mux.Handle("GET /go/user", manager.WithSession(func(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
		user, err := auth.User(r)
		if err == nil && user != nil {
			fmt.Fprint(w, user.Username)
		}
		return err
	}))
	mux.Handle("GET /go/session", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		text, err := s.Values().MarshalJSON()
		if err == nil {
			w.Write(text)
		}
		return err
	}))
	mux.Handle("POST /go/set", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		return s.Set(r.FormValue("name"), r.FormValue("value"))
	}))
	mux.Handle("POST /go/logout", manager.WithSession(func(w http.ResponseWriter, r *http.Request, _ *djsession.Session) error {
		return auth.Logout(r)
	}))
	log.Fatal(http.ListenAndServe(*address, manager.Handler(mux)))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
