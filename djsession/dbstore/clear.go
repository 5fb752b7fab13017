package dbstore

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
)

// ClearExpired removes the rows whose expire_date is before r.Before, in batches along the index of
// expire_date. If rows of another table point at a row, and the database does not let it go, it
// stays: "manage.py clearsessions" removes it with them.
func (s *Store) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	return s.table.ClearExpired(ctx, r)
}
