package rediscache

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
)

// compareAndSet stores a value for left milliseconds if the key still holds old. If left is 0, it
// deletes the key. If left is keepTTL, the key ends when it did, for which Redis must be 6.0 or
// later.
func (c *Cache) compareAndSet(ctx context.Context, key string, old *cachestore.Item, stored version, left int64) error {
	before := versionOf(old)
	if before == "" {
		return c.conflictWithStored(ctx, key)
	}
	var current string
	lost, err := c.sendWithRetries(ctx, left == 0, func() (err error) {
		current, err = c.attempt(ctx, key, before, stored, left)
		return err
	})
	return c.swapOutcome(ctx, key, current, lost, err)
}

// versionOf returns the stored value that an item was read from, or "" if the item has no Version
// of this cache.
func versionOf(item *cachestore.Item) version {
	if item == nil {
		return ""
	}
	v, _ := item.Version.(version)
	return v
}

// swapOutcome returns the result of compareAndSet, by the last answer of Redis. lost says that the
// answer to an earlier attempt was lost.
func (c *Cache) swapOutcome(ctx context.Context, key, current string, lost bool, err error) error {
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
elseif ARGV[3] == '-1' then
	redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
`

var compareAndSetHash = redis.NewScript(compareAndSetScript).Hash()

// script compares and writes in one round trip, once Redis knows the script.
func (c *Cache) script(ctx context.Context, key string, before, stored version, left int64) (string, error) {
	reply, err := c.sendOnce(ctx, c.scriptCommand(ctx, true, key, before, stored, left))
	if code(err) == "NOSCRIPT" {
		reply, err = c.sendOnce(ctx, c.scriptCommand(ctx, false, key, before, stored, left))
	}
	return scriptAnswer(reply, err)
}

// scriptCommand returns the command that runs the script. known says that Redis knows the script.
func (c *Cache) scriptCommand(ctx context.Context, known bool, key string, before, stored version, left int64) *redis.Cmd {
	const keyAt = 3 // after the command, the script and the number of keys
	name, script := "evalsha", compareAndSetHash
	if !known {
		name, script = "eval", compareAndSetScript
	}
	return command(ctx, keyAt, name, script, 1, key, string(before), string(stored), left, c.maxStored+1)
}

// scriptAnswer returns the result of an attempt by the reply of the script.
func scriptAnswer(reply any, err error) (string, error) {
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
			expiration := time.Duration(left) * time.Millisecond
			if left == keepTTL {
				expiration = redis.KeepTTL
			}
			return p.Set(ctx, key, string(stored), expiration).Err()
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
