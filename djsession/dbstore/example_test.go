package dbstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/dbstore"
)

// A store over a database that the program has opened itself.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "")
	check(err)
	defer os.RemoveAll(dir)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "db.sqlite3")+"?_pragma=busy_timeout(5000)")
	check(err)
	db.SetMaxOpenConns(4)

	settings, err := djsession.NewSettings("5.2", "the site's SECRET_KEY")
	check(err)
	store, err := dbstore.New(db, dbstore.Config{Dialect: dbstore.SQLite, Settings: settings})
	check(err)
	defer store.Close()
	ctx := context.Background()
	check(store.CreateTable(ctx)) // a site has it from "manage.py migrate"

	var values djsession.Values
	check(values.Set("plan", "gold"))
	created, err := store.Create(ctx, "", &values, time.Time{})
	check(err)
	loaded, err := store.Load(ctx, created.Key)
	check(err)
	fmt.Println(loaded.Values.GetString("plan"))
	// Output: gold
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
