package sqldialect

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/djsess/djsess/internal/waitlimit"
)

// Ended adds to an error that ctx has ended, whatever the driver says of it, and
// whether the statement may have waited for a connection of the pool.
func Ended(ctx context.Context, db *sql.DB, err error) error {
	ended := waitlimit.Ended(ctx)
	if ended == nil {
		return err
	}
	// database/sql says nothing but this of a wait for a connection. A driver may
	// say the same of a statement.
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
