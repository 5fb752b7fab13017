package dbcache

import "github.com/djsess/djsess/internal/sqldialect"

// statements are all that a cache says, but for scans.
type statements struct {
	read    sqldialect.Statement // an item, there still or not
	insert  sqldialect.Statement
	revive  sqldialect.Statement // a new item in place of one that has ended
	replace sqldialect.Statement
	delete  sqldialect.Statement

	deleteUnchanged sqldialect.Statement

	count        sqldialect.Statement
	deleteEnded  sqldialect.Statement
	deleteBelow  sqldialect.Statement
	deleteOthers sqldialect.Statement
}

func (c *Cache) compile() statements {
	d := c.dialect
	key := d.Exact("cache_key", ":key")
	unchanged := key + " AND " + d.Exact("value", ":old") + " AND " + d.SameTime("expires", ":seen")
	update := "UPDATE " + c.table + " SET value = :data, expires = :expires WHERE "
	from := "DELETE FROM " + c.table
	return statements{
		read:   d.Compile("SELECT " + c.itemColumns() + " FROM " + c.table + " WHERE " + key),
		insert: d.Compile("INSERT INTO " + c.table + " (cache_key, value, expires) VALUES (:key, :data, :expires)"),
		revive: d.Compile(update + key + " AND " + d.SameTime("expires", ":seen")),
		// The comparison and the write are one statement, so that nobody can
		// write in between.
		replace: d.Compile(update + unchanged),
		delete:  d.Compile(from + " WHERE " + key),

		deleteUnchanged: d.Compile(from + " WHERE " + unchanged),

		// Django culls before it writes, and what it writes is there afterwards. So it
		// is with ours, which is there already and must not go.
		count:        d.Compile("SELECT COUNT(*) FROM " + c.table),
		deleteEnded:  d.Compile(from + " WHERE expires < :now"),
		deleteBelow:  d.Compile(from + " WHERE cache_key < :last AND NOT " + key),
		deleteOthers: d.Compile(from + " WHERE NOT " + key),
	}
}

// itemColumns is what is selected of a row.
func (c *Cache) itemColumns() string {
	return c.dialect.ReadBounded("value", c.config.Settings.MaxStoredSize()) + ", " + c.dialect.ReadTime("expires")
}
