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
	again := false
	for range swapAttempts {
		if next.CasID == 0 {
			stored, err := c.read(next.Key)
			switch {
			case again && errors.Is(err, memcache.ErrCacheMiss):
				return nil // deleted, perhaps by the request that was sent first
			case err != nil:
				return err
			case !known || !before.holds(stored):
				return c.conflict(stored)
			case stored.CasID == 0:
				return errNoCAS
			}
			next.CasID = stored.CasID
		}
		repeated, err := c.compareAndSwap(next)
		again = again || repeated
		switch {
		case again && (errors.Is(err, memcache.ErrNotStored) || errors.Is(err, memcache.ErrCacheMiss)):
			return nil
		case errors.Is(err, memcache.ErrNotStored):
			return memcache.ErrCacheMiss
		case !errors.Is(err, memcache.ErrCASConflict):
			return err
		}
		next.CasID = 0
	}
	return fmt.Errorf("%w: the item is stored again all the time", djsession.ErrBusy)
}

// compareAndSwap sends a cas. If its answer is lost, a cas that only ends the item is sent
// again. A change is not, since the first request may still arrive, and the item says
// nothing: two writers that add one to the same number store the same value.
func (c *Cache) compareAndSwap(next *memcache.Item) (again bool, err error) {
	request := func() error { return c.client.CompareAndSwap(next) }
	if next.Expiration == expired {
		return c.sendAgain(request)
	}
	err = c.send(request)
	switch {
	case !lost(err):
		return false, err
	case broken(err):
		c.client.Close()
	}
	return false, outcomeUnknown(err)
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
