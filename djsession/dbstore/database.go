package dbstore

import (
	"database/sql"
	"time"

	"github.com/djsess/djsess/djsession"
)

// DB returns the database handle, for other tables of the site's: package djauth
// finds the users by it. It is the store's own, and Close closes it.
func (s *Store) DB() *sql.DB { return s.db }

// Settings returns a copy of the settings that the store was made with.
func (s *Store) Settings() *djsession.Settings {
	settings := *s.settings()
	return &settings
}

// Table returns the name of the session table, table or schema.table.
func (s *Store) Table() string { return s.name }

// Location returns the zone of the wall clocks that MySQL and SQLite hold.
func (s *Store) Location() *time.Location { return s.loc }
