package storeurl_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/storeurl"
)

func ExampleOpen() {
	// The site's SESSION_FILE_PATH.
	folder, err := os.MkdirTemp("", "sessions")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)

	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	if err != nil {
		log.Fatal(err)
	}
	// Or postgres://user@host/name, redis://host:6379/1, ….
	store, err := storeurl.Open("file:///"+filepath.ToSlash(folder), settings)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	ctx := context.Background()
	var values djsession.Values
	if err := values.Set("theme", "dark"); err != nil {
		log.Fatal(err)
	}
	record, err := store.Create(ctx, "", &values, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	if record, err = store.Load(ctx, record.Key); err != nil {
		log.Fatal(err)
	}
	var theme string
	if err := record.Values.Get("theme", &theme); err != nil {
		log.Fatal(err)
	}
	fmt.Println(theme)
	// Output: dark
}

func ExampleSchemes() {
	for _, scheme := range storeurl.Schemes()[:4] {
		fmt.Println(scheme.Example, "opens", scheme.Description)
	}
	// Output:
	// postgres://user@host:5432/name opens PostgreSQL
	// mysql://user@host:3306/name opens MySQL or MariaDB
	// sqlite:///relative/db.sqlite3 opens SQLite
	// file:////absolute/folder opens a folder of session files
}
