package filecache

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// ClearExpired removes the files of items that have ended, whether they are sessions or not: a
// file does not show it. A file without an expiry stays.
func (c *Cache) ClearExpired(ctx context.Context, r djsession.ClearRequest) iter.Seq2[djsession.Cleared, error] {
	if c.config.ReadOnly && !r.DryRun {
		return func(yield func(djsession.Cleared, error) bool) {
			yield(djsession.Cleared{}, c.folder.Error("clear expired", "", djsession.ErrReadOnly))
		}
	}
	return c.folder.ClearExpired(ctx, r, func(_ string, f *swapfile.File) (bool, error) {
		if f.Stranger {
			return false, c.folder.Malformed(errStrangers)
		}
		expires, _, err := cutExpiry(f.Data)
		if err != nil {
			return false, c.folder.Malformed(err)
		}
		return expires.hasEnded(r.Before), nil
	})
}
