// Package culling is shared by packages dbcache and filecache: the two options by which a site
// limits the size of a cache, and the log of deleted entries. Django's two caches choose the
// entries to delete in different ways.
package culling

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/djsess/djsess/internal/printable"
)

// Django's MAX_ENTRIES and CULL_FREQUENCY if a site does not set them.
const (
	DefaultMaxEntries = 300
	DefaultFrequency  = 3
)

// All stands for a CULL_FREQUENCY of 0: if there are too many entries, all are deleted.
const All = -1

// Policy says when a cache has too many entries, and how many of them are deleted.
type Policy struct {
	// MaxEntries is MAX_ENTRIES. If it is 0, the cache is never culled.
	MaxEntries int
	// Frequency is CULL_FREQUENCY: one of so many entries is deleted. It may be All.
	Frequency int

	cache  string // the package of the cache
	place  slog.Attr
	logger *slog.Logger
}

// New returns the policy of a cache. A frequency of 0 stands for DefaultFrequency, and a nil
// logger for slog.Default.
func New(cache string, place slog.Attr, maxEntries, frequency int, logger *slog.Logger) (*Policy, error) {
	switch {
	case maxEntries < 0:
		return nil, fmt.Errorf("%s: MAX_ENTRIES %d: want 0, which never culls, or more", cache, maxEntries)
	case frequency < All:
		return nil, fmt.Errorf("%s: CULL_FREQUENCY %d: want 1 or more, or CullAll", cache, frequency)
	case frequency == 0:
		frequency = DefaultFrequency
	}
	if logger == nil {
		logger = slog.Default()
	}
	return &Policy{maxEntries, frequency, cache, place, logger}, nil
}

// Evicts returns why the cache may delete entries that have not ended. Django culls even if it is not
// told when to.
func (p *Policy) Evicts() string {
	if p.MaxEntries == 0 {
		return fmt.Sprintf("MAX_ENTRIES is not known here, and Django's default is %d", DefaultMaxEntries)
	}
	return fmt.Sprintf("MAX_ENTRIES is %d", p.MaxEntries)
}

// LogDeleted warns of entries that were deleted before they ended.
func (p *Policy) LogDeleted(ctx context.Context, deleted, of int) {
	if deleted == 0 {
		return
	}
	p.logger.LogAttrs(ctx, slog.LevelWarn, p.cache+": entries were deleted before they ended, because there were too many for MAX_ENTRIES: "+
		"visitors who had a session among them are logged out, unless it is in a database, too",
		p.place, slog.Int("deleted", deleted), slog.Int("of", of),
		slog.Int("max_entries", p.MaxEntries), slog.Int("cull_frequency", max(p.Frequency, 0)))
}

// LogError warns that a cache could not be culled.
func (p *Policy) LogError(ctx context.Context, err error) {
	p.logger.LogAttrs(ctx, slog.LevelWarn, p.cache+": cache was not culled", p.place, slog.String("error", printable.Line(err.Error())))
}
