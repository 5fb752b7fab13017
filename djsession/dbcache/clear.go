package dbcache

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
)

// ClearExpired removes the rows of items that have ended, whether they are sessions or not, as
// Django does when it culls.
func (c *Cache) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	if c.config.ReadOnly && !r.DryRun {
		return func(yield func(djsession.Cleared, error) bool) {
			yield(djsession.Cleared{}, c.table.Error("clear expired", "", djsession.ErrReadOnly))
		}
	}
	return c.table.ClearExpired(ctx, r)
}
