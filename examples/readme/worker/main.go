package main

import (
	"context"
	"log"
	"os"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

func main() {
	if err := upgrade(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// upgrade changes the stored session of a key.
func upgrade(ctx context.Context, key string) error {
	settings, err := djsession.NewSettings("5.2", os.Getenv("DJANGO_SECRET_KEY"))
	if err != nil {
		return err
	}
	store, err := storeurl.Open(os.Getenv("DATABASE_URL"), settings)
	if err != nil {
		return err
	}
	defer store.Close()
	_, err = djsession.Update(ctx, store, key, func(v *djsession.Values) error {
		return v.Set("plan", "gold")
	})
	return err // djsession.ErrNotFound if there is no live session of this key
}
