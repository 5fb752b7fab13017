// Load is the Go service beside loadsite.py: its page reads the same session. See compare.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

func main() {
	port, err := strconv.Atoi(os.Getenv("LOAD_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	settings, err := djsession.NewSettings("5.2", "load")
	if err != nil {
		log.Fatal(err)
	}
	store, err := storeurl.Open(fmt.Sprintf("postgres://service@127.0.0.1:%d/site", port), settings)
	if err != nil {
		log.Fatal(err)
	}
	manager, err := djsession.NewManager(store)
	if err != nil {
		log.Fatal(err)
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := djsession.FromRequest(r)
		if err != nil {
			http.Error(w, "the session could not be loaded", http.StatusInternalServerError)
			return
		}
		name := session.GetString("name")
		if name == "" {
			http.Error(w, "the session has no name", http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "Hello, %s", name)
	})
	log.Fatal(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", port+2), manager.Handler(page)))
}
