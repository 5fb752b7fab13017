package memcache

import (
	"errors"
	"fmt"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// swapAttempts is how often a swap is tried on an item that somebody keeps storing
// again as it was.
const swapAttempts = 10

// swap stores next in place of old: at once if old's cas id is known, and else with
// the id of what is stored, if that is old.
func (c *Cache) swap(old *cachestore.Item, next *memcache.Item) error {
	before, known := versionOf(old)
	next.CasID = before.cas
	var doubt error // a cas of which nobody knows whether it was done
	for range swapAttempts {
		if next.CasID == 0 {
			stored, err := c.read(next.Key)
			switch {
			case doubt != nil && next.Expiration == expired && errors.Is(err, memcache.ErrCacheMiss):
				return nil // gone, as it was to be
			case err != nil:
				return err
			case (!known || !before.holds(stored)) && doubt != nil:
				// Changed since, before or after ours: a conflict would be made good
				// by doing ours a second time. What is the same may still be somebody
				// else's, who added one to the same number.
				return doubt
			case !known || !before.holds(stored):
				return c.conflict(stored)
			case stored.CasID == 0:
				return errNoCAS
			}
			next.CasID = stored.CasID
		}
		err := c.client.CompareAndSwap(next)
		switch {
		case broken(err):
			c.client.Close()
			doubt = err
		case errors.Is(err, memcache.ErrNotStored):
			return memcache.ErrCacheMiss
		case !errors.Is(err, memcache.ErrCASConflict):
			return err
		}
		next.CasID = 0
	}
	return fmt.Errorf("%w: the item is stored again all the time", djsession.ErrBusy)
}

// holds tells whether it is next that is stored.
func holds(stored, next *memcache.Item) bool {
	return version{flags: next.Flags, data: next.Value}.holds(stored)
}

func versionOf(item *cachestore.Item) (v version, known bool) {
	if item != nil {
		v, known = item.Version.(version)
	}
	return v, known
}

// conflict is the error for what somebody else stored.
func (c *Cache) conflict(stored *memcache.Item) error {
	item, err := c.item(stored)
	if err != nil {
		return err
	}
	return &cachestore.ConflictError{Current: item}
}
