package filestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/filestore"
)

// The engine file, in the folder that the site has as SESSION_FILE_PATH.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	store, err := filestore.New(filestore.Config{Dir: dir, Settings: settings})
	if err != nil {
		log.Fatal(err)
	}
	created, err := store.Create(context.Background(), "", nil, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	_, err = djsession.Update(context.Background(), store, created.Key, func(v *djsession.Values) error {
		return v.Set("plan", "gold")
	})
	fmt.Println(err)
	// Output: <nil>
}
