package dbstore

import (
	"github.com/djsess/djsess/internal/sqldialect"
)

// statements are all that a store says, but for scans and CreateTable.
type statements struct {
	load    sqldialect.Statement // a live session
	read    sqldialect.Statement // a session, dead or alive
	insert  sqldialect.Statement
	replace sqldialect.Statement
	delete  sqldialect.Statement

	deleteUnchanged sqldialect.Statement
}

func (s *Store) compile() statements {
	d := s.dialect
	key := d.Exact("session_key", ":key")
	row := "SELECT " + s.rowColumns() + " FROM " + s.table + " WHERE " + key
	unchanged := key + " AND " + d.Exact("session_data", ":old") + " AND " + d.SameTime("expire_date", ":seen")
	return statements{
		load: d.Compile(row + " AND expire_date > :now"),
		read: d.Compile(row),
		insert: d.Compile("INSERT INTO " + s.table +
			" (session_key, session_data, expire_date) VALUES (:key, :data, :expires)"),
		// The comparison and the write are one statement, so that nobody can
		// write in between.
		replace: d.Compile("UPDATE " + s.table + " SET session_data = :data, expire_date = :expires" +
			" WHERE " + unchanged),
		delete: d.Compile("DELETE FROM " + s.table + " WHERE " + key),

		deleteUnchanged: d.Compile("DELETE FROM " + s.table + " WHERE " + unchanged),
	}
}

// rowColumns is what is selected of a row.
func (s *Store) rowColumns() string {
	return s.dialect.ReadBounded("session_data", s.settings().MaxStoredSize()) + ", " + s.dialect.ReadTime("expire_date")
}
