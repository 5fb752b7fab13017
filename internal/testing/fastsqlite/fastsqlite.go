// Package fastsqlite has the tests of a binary that imports it not wait for the disk: what SQLite commits is seen by every
// process, but would not outlive the machine.
package fastsqlite

import (
	"context"

	"modernc.org/sqlite"
)

func init() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		// An error is left to the test's own statement: the file may be locked, or no database.
		conn.ExecContext(context.Background(), "PRAGMA synchronous = OFF", nil)
		return nil
	})
}
