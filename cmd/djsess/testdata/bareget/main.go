// Bareget is what "djsess get" cannot do less than, for the benchmark: open the
// database by the same driver, read the row, print it.
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"

	_ "modernc.org/sqlite"
)

func main() {
	db, err := sql.Open("sqlite", "file:"+os.Args[1]+"?mode=rw&_pragma=busy_timeout(5000)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	var data, expires string
	row := db.QueryRow("SELECT session_data, CAST(expire_date AS TEXT) FROM django_session WHERE session_key = ?", os.Args[2])
	if err := row.Scan(&data, &expires); err != nil {
		log.Fatal(err)
	}
	fmt.Println(data, expires)
}
