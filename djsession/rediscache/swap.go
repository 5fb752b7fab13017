package rediscache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
)

// compareAndSet stores a value for left milliseconds if the key still holds old. If left is 0, it
// deletes the key.
func (c *Cache) compareAndSet(ctx context.Context, key string, old *cachestore.Item, stored version, left int64) error {
	var before version
	if old != nil {
		before, _ = old.Version.(version)
	}
	if before == "" { // old has no Version of this cache
		return c.conflictWithStored(ctx, key)
	}
	var current string
	lost, err := c.sendWithRetries(ctx, left == 0, func() (err error) {
		current, err = c.attempt(ctx, key, before, stored, left)
		return err
	})
	switch {
	case err == errChanged && current == "":
		return c.conflictWithStored(ctx, key)
	case err == errChanged:
		return cachestore.NewConflict(c.item(current))
	case lost && errors.Is(err, redis.Nil):
		return nil // deleted, perhaps by the attempt whose answer was lost
	}
	// After a lost answer, an equal stored value does not prove that this write stored it: two
	// clients that add one to the same number store equal values.
	return err
}

// holds reports whether a key holds a value.
func (c *Cache) holds(ctx context.Context, key string, stored version) bool {
	current, err := c.read(ctx, c.writer, key)
	return err == nil && version(current) == stored
}

// conflictWithStored reads the stored value and returns the conflict with it.
func (c *Cache) conflictWithStored(ctx context.Context, key string) error {
	return cachestore.NewConflict(c.get(ctx, c.writer, key))
}

// errChanged means that another value is stored. It is returned with that value, or with an
// empty string if the value was not read.
var errChanged = errors.New("changed")

// attempt sends compareAndSet once. If there is no such key, the error is redis.Nil; if another
// value is stored, it is errChanged.
func (c *Cache) attempt(ctx context.Context, key string, before, stored version, left int64) (string, error) {
	if !c.noScripts.Load() {
		current, err := c.script(ctx, key, before, stored, left)
		if !refusesScripts(err) {
			return current, err
		}
	}
	current, err := c.transaction(ctx, key, before, stored, left)
	if err == nil {
		c.noScripts.Store(true)
	}
	return current, err
}

// scriptDone is the script's answer after it has written. The answer is 0 if there is no such
// key. If another value is stored, the answer is that value, truncated to the longest that is read.
const scriptDone = 1

const compareAndSetScript = `
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

var compareAndSetHash = redis.NewScript(compareAndSetScript).Hash()

// script compares and writes in one round trip, once Redis knows the script.
func (c *Cache) script(ctx context.Context, key string, before, stored version, left int64) (string, error) {
	const keyAt = 3 // after the command, the script and the number of keys
	args := []any{"evalsha", compareAndSetHash, 1, key, string(before), string(stored), left, c.maxStored + 1}
	reply, err := c.sendOnce(ctx, keyAt, args...)
	if code(err) == "NOSCRIPT" {
		args[0], args[1] = "eval", compareAndSetScript
		reply, err = c.sendOnce(ctx, keyAt, args...)
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
		sent = true // go-redis does not send a transaction again
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			if left == 0 {
				return p.Del(ctx, key).Err()
			}
			return p.Set(ctx, key, string(stored), time.Duration(left)*time.Millisecond).Err()
		})
		return err
	}, key)
	if errors.Is(err, redis.TxFailedErr) { // another client wrote between the read and the write
		return "", errChanged
	}
	if err != nil && err != errChanged && !sent {
		err = notSentError{err}
	}
	return current, err
}
