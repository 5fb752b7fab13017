package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/djauth"
	"github.com/djsess/djsess/djsession/storeurl"
)

const siteFile = "djsess-settings.json" // "djsess settings" wrote it in the site

func main() {
	settings, err := djsession.SettingsFromFile(siteFile, os.Getenv("DJANGO_SECRET_KEY"))
	check(err)
	store, err := storeurl.OpenFromFile(siteFile, settings)
	check(err)
	manager, err := djsession.NewManager(store)
	check(err)
	check(manager.Check(context.Background())) // is it the site's SECRET_KEY, and the site's store?
	auth, err := djauth.FromFile(siteFile, store)
	check(err)
	check(auth.Check(context.Background(), manager)) // are these the site's users?

	mux := http.NewServeMux()
	mux.Handle("GET /go/visit", auth.WithUser(func(w http.ResponseWriter, r *http.Request, s *djsession.Session, user *djauth.User) error {
		visits, err := djsession.GetOr(s, "visits", 0) // Django: request.session.get("visits", 0)
		if err == nil {
			err = s.Set("visits", visits+1)
		}
		if err == nil {
			fmt.Fprintln(w, "hello", user.Username)
		}
		return err
	}))
	site := http.NewCrossOriginProtection().Handler(manager.Handler(mux))
	log.Fatal(http.ListenAndServe("127.0.0.1:8001", site))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
