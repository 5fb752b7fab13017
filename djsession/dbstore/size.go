package dbstore

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Size returns the size of the table, from what the database knows of it. The number of rows is an
// estimate. In SQLite it counts up to a million rows, and the bytes are those of the whole database.
func (s *Store) Size(ctx context.Context) (djsession.StoreSize, error) { return s.table.Size(ctx) }
