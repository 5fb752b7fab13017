package filecache

import (
	"context"
	"iter"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/swapfile"
)

// Examine checks the folder: see cachestore.Examiner. Files have only hashes of their keys, so
// nobody can tell the sessions from what else the site caches.
func (c *Cache) Examine(context.Context, string) []djsession.CheckResult {
	return []djsession.CheckResult{c.folder.Examine()}
}

// Size returns how many files the folder has, sessions or not, and their bytes. In a folder of more than
// 100,000 files neither is known.
func (c *Cache) Size(ctx context.Context) (djsession.StoreSize, error) { return c.folder.Size(ctx) }

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
