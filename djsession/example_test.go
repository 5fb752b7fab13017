package djsession_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

// This reads a value that Django wrote and sets another value. All other values keep their bytes.
func ExampleValues() {
	var v djsession.Values
	if err := v.UnmarshalPythonJSON(`{"price":1.0,"name":"Zo\u00eb"}`); err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.GetString("name"))
	if err := v.Set("qty", 2); err != nil {
		log.Fatal(err)
	}
	text, _ := v.AppendPythonJSON(nil)
	fmt.Println(string(text))
	// Output:
	// Zoë
	// {"price":1.0,"name":"Zo\u00eb","qty":2}
}

func ExampleUpdate() {
	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = djsession.Update(ctx, store, "the visitor's session key", func(v *djsession.Values) error {
		visits, err := djsession.GetOr(v, "visits", 0)
		if err != nil {
			return err
		}
		return errors.Join(v.Set("visits", visits+1), v.Set("language", "pl"))
	})
	if err != nil {
		log.Fatal(err)
	}
}
