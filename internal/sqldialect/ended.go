package sqldialect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/waitlimit"
)

// Ended adds to an error that ctx has ended, since drivers do not always say so, and that
// all connections of the pool were busy, if the statement may have waited for one.
func Ended(ctx context.Context, db *sql.DB, err error) error {
	ended := waitlimit.Ended(ctx)
	if ended == nil {
		return err
	}
	// After a wait for a connection, database/sql returns this error unwrapped. A
	// driver may return it for a statement, too.
	bare := err == ctx.Err()
	if !bare && errors.Is(err, ctx.Err()) {
		return err
	}
	if stats := db.Stats(); bare && stats.MaxOpenConnections > 0 && stats.InUse >= stats.MaxOpenConnections {
		ended = fmt.Errorf("all %d connections are busy: %w", stats.MaxOpenConnections, ended)
	}
	if bare {
		return ended
	}
	return fmt.Errorf("%w: %w", ended, err)
}
