package rediscache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
)

// compareAnd stores a value for so many milliseconds, or deletes for 0, provided that
// old is still what is stored.
func (c *Cache) compareAnd(ctx context.Context, key string, old *cachestore.Item, stored version, left int64) error {
	var before version
	if old != nil {
		before, _ = old.Version.(version)
	}
	if before == "" { // it is not known, so it is not what is there
		return c.conflictWith(c.read(ctx, c.writer, key))
	}
	var current string
	again, err := c.sendAgain(ctx, left == 0, func() (err error) {
		current, err = c.attempt(ctx, key, before, stored, left)
		return err
	})
	switch {
	case err == errChanged && current == "":
		return c.conflictWith(c.read(ctx, c.writer, key))
	case err == errChanged:
		return c.conflictWith(current, nil)
	case again && errors.Is(err, redis.Nil):
		return nil // deleted, perhaps by the command that was sent first
	}
	// After a lost answer an equal value says nothing: two writers that add one to the
	// same number store the same.
	return err
}

// holds reports whether a key holds what was written.
func (c *Cache) holds(ctx context.Context, key string, stored version) bool {
	current, err := c.read(ctx, c.writer, key)
	return err == nil && version(current) == stored
}

// conflictWith is the error about what is stored now, instead of what was.
func (c *Cache) conflictWith(current string, err error) error {
	if err != nil {
		return err
	}
	item, err := c.item(current)
	if err != nil {
		return err
	}
	return &cachestore.ConflictError{Current: item}
}

// errChanged goes with what is stored now; with nothing where that is to be read.
var errChanged = errors.New("changed")

// attempt is compareAnd once. What is not there is redis.Nil; what is not as before
// comes with errChanged.
func (c *Cache) attempt(ctx context.Context, key string, before, stored version, left int64) (string, error) {
	if !c.unscripted.Load() {
		current, err := c.script(ctx, key, before, stored, left)
		if !refusesScripts(err) {
			return current, err
		}
	}
	current, err := c.transaction(ctx, key, before, stored, left)
	if err == nil {
		c.unscripted.Store(true)
	}
	return current, err
}

// The script's number is what became of it; text is what is stored, cut where it
// would be too long to read.
const (
	scriptGone = 0
	scriptDone = 1
)

const compareAndSet = `
local current = redis.call('GET', KEYS[1])
if not current then
	return 0
elseif current ~= ARGV[1] then
	return string.sub(current, 1, tonumber(ARGV[4]))
elseif ARGV[3] == '0' then
	redis.call('DEL', KEYS[1])
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`

var compareAndSetHash = redis.NewScript(compareAndSet).Hash()

// script compares and writes in one round trip, as soon as Redis knows the script.
func (c *Cache) script(ctx context.Context, key string, before, stored version, left int64) (string, error) {
	const keyAt = 3 // after name, script and number of keys
	args := []any{"evalsha", compareAndSetHash, 1, key, string(before), string(stored), left, c.maxStored + 1}
	reply, err := c.once(ctx, keyAt, args...)
	if code(err) == "NOSCRIPT" {
		args[0], args[1] = "eval", compareAndSet
		reply, err = c.once(ctx, keyAt, args...)
	}
	if err != nil {
		return "", err
	}
	switch reply := reply.(type) {
	case string:
		return reply, errChanged
	case int64:
		if reply == scriptDone {
			return "", nil
		}
	}
	return "", redis.Nil
}

// transaction compares and writes by WATCH and MULTI.
func (c *Cache) transaction(ctx context.Context, key string, before, stored version, left int64) (current string, err error) {
	sent := false
	err = c.writer.Watch(ctx, func(tx *redis.Tx) error {
		if current, err = tx.GetRange(ctx, key, 0, int64(c.maxStored)).Result(); err != nil {
			return err
		}
		if version(current) != before {
			return errChanged
		}
		sent = true // go-redis does not send again what follows a WATCH
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			if left == 0 {
				return p.Del(ctx, key).Err()
			}
			return p.Set(ctx, key, string(stored), time.Duration(left)*time.Millisecond).Err()
		})
		return err
	}, key)
	if errors.Is(err, redis.TxFailedErr) { // somebody wrote between the two
		return "", errChanged
	}
	if err != nil && err != errChanged && !sent {
		err = notSentError{err}
	}
	return current, err
}
