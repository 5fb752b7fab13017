// Package fastsqlite switches off SQLite's synchronous writes in the tests that import it. Every process sees a commit, but
// a crash of the machine could lose it.
package fastsqlite

import (
	"context"

	"modernc.org/sqlite"
)

func init() {
	sqlite.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, _ string) error {
		// an error, such as for a locked file, is left to the test's own statement
		conn.ExecContext(context.Background(), "PRAGMA synchronous = OFF", nil)
		return nil
	})
}
