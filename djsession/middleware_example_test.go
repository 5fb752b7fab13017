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

	http.HandleFunc("GET /go/hello", func(w http.ResponseWriter, r *http.Request) {
		sess, err := djsession.FromRequest(r)
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		fmt.Fprintf(w, "hello %s\n", sess.GetString("name"))
	})
	http.HandleFunc("POST /go/cart", func(w http.ResponseWriter, r *http.Request) {
		sess, err := djsession.FromRequest(r)
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		// The cart changes at Django, too: this loses no line of it.
		err = sess.Apply(djsession.Modify("cart", func(c cart) (cart, error) {
			c.Lines = append(c.Lines, r.FormValue("line"))
			return c, nil
		}))
		if err != nil {
			djsession.Error(w, r, err)
			return
		}
		http.Redirect(w, r, "/go/hello", http.StatusSeeOther)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", manager.Handler(http.DefaultServeMux)))
}
