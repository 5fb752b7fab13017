package dbcache

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/checkup"
)

// sharedSample is how many rows checkShared looks at.
const sharedSample = 2000

// Examine checks the database server and the index of the table, and whether the site keeps
// other things beside the sessions: see cachestore.Examiner.
func (c *Cache) Examine(ctx context.Context, prefix string) []djsession.CheckResult {
	results := c.table.Examine(ctx, c.config.Settings.Now)
	if prefix != "" && results[0].Status == djsession.CheckOK {
		results = append(results, c.checkShared(ctx, prefix))
	}
	return results
}

// checkShared looks for rows that are not sessions.
func (c *Cache) checkShared(ctx context.Context, prefix string) djsession.CheckResult {
	const check = "shared"
	keys, err := c.someKeys(ctx)
	if err != nil {
		return djsession.ErrorResult(check, djsession.CheckSkipped, err)
	}
	others := 0
	for _, key := range keys {
		if !strings.HasPrefix(key, prefix) {
			others++
		}
	}
	if others > 0 {
		return djsession.CheckResult{Check: check, Status: djsession.CheckWarns,
			Text: fmt.Sprintf("%d of %d rows of table %q are no sessions of this site: a cache.clear() there logs all users out, and all rows together count for MAX_ENTRIES",
				others, len(keys), c.table.Name),
			Remedy: "keep sessions in a table of their own: name its entry of CACHES by SESSION_CACHE_ALIAS; " + checkup.MoveRemedy}
	}
	return djsession.CheckResult{Check: check, Status: djsession.CheckOK, Text: fmt.Sprintf("nothing but sessions was seen in table %q", c.table.Name)}
}

// someKeys reads the keys of some rows.
func (c *Cache) someKeys(ctx context.Context) (keys []string, err error) {
	ctx, cancel := c.table.Limit(ctx)
	defer cancel()
	rows, err := c.table.DB.QueryContext(ctx, fmt.Sprintf("SELECT cache_key FROM %s LIMIT %d", c.table.Quoted, sharedSample))
	if err != nil {
		return nil, c.table.Fail(ctx, "examine", "", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, c.table.Fail(ctx, "examine", "", err)
		}
		keys = append(keys, key)
	}
	if err := rows.Err(); err != nil {
		return nil, c.table.Fail(ctx, "examine", "", err)
	}
	return keys, nil
}

// Size returns the size of the table with its items, sessions or not.
func (c *Cache) Size(ctx context.Context) (djsession.StoreSize, error) { return c.table.Size(ctx) }

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
