package filecache

import (
	"context"

	"github.com/djsess/djsess/djsession"
)

// Examine checks the folder: see cachestore.Examiner. Files have only hashes of their keys, so
// nobody can tell the sessions from what else the site caches.
func (c *Cache) Examine(context.Context, string) []djsession.CheckResult {
	return []djsession.CheckResult{c.folder.Examine()}
}
