package djsession_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

type cart struct {
	Lines []string `json:"lines"`
}

// A service that shares the visitors' sessions with a Django site.
func ExampleManager() {
	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	manager, err := djsession.NewManager(store)
	if err != nil {
		log.Fatal(err)
	}
	if err := manager.Check(context.Background()); err != nil {
		log.Fatal(err) // the wrong SECRET_KEY, or the wrong database
	}

	http.Handle("GET /go/hello", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		fmt.Fprintf(w, "hello %s\n", s.GetString("name"))
		return nil
	}))
	http.Handle("POST /go/cart", manager.WithSession(func(w http.ResponseWriter, r *http.Request, s *djsession.Session) error {
		// Django changes the cart, too. After a concurrent write the function runs again, so no
		// line is lost.
		err := s.Apply(func(v *djsession.Values) error {
			c, err := djsession.GetOr(v, "cart", cart{})
			if err != nil {
				return err
			}
			c.Lines = append(c.Lines, r.FormValue("line"))
			return v.Set("cart", c)
		})
		if err == nil {
			http.Redirect(w, r, "/go/hello", http.StatusSeeOther)
		}
		return err
	}))
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", manager.Handler(http.DefaultServeMux)))
}
