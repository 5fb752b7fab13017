package cookiestore_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cookiestore"
)

// With the engine signed_cookies the key is the session: the value of the visitor's cookie.
func ExampleNew() {
	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	store, err := cookiestore.New(settings)
	if err != nil {
		log.Fatal(err)
	}
	var values djsession.Values
	if err := values.Set("plan", "gold"); err != nil {
		log.Fatal(err)
	}
	created, err := store.Create(context.Background(), "", &values, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	loaded, err := store.Load(context.Background(), created.Key)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(loaded.Values.GetString("plan"))
	// Output: gold
}
