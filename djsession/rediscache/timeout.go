package rediscache

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/internal/waitlimit"
)

// ended adds to an error that is not an answer of Redis: the server's address, that ctx has
// ended, and that all connections were busy, so that the command may not have been sent.
func (c *Cache) ended(ctx context.Context, err error) error {
	if err == nil || answered(err) || errors.Is(err, redis.Nil) {
		return err
	}
	ended := waitlimit.Ended(ctx)
	noneFree := errors.Is(err, redis.ErrPoolTimeout)
	if noneFree && ended == nil {
		ended = context.DeadlineExceeded
	}
	if ended == nil {
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() { // go-redis does not always name the server
			err = fmt.Errorf("%s: %w", c, err)
		}
		return err
	}
	bare := noneFree || err == ctx.Err()
	if size := c.poolSize(); size > 0 && (noneFree || bare && c.isBusy(size)) {
		ended = fmt.Errorf("all %d connections are busy: %w", size, ended)
	}
	if bare {
		return fmt.Errorf("%s: %w", c, ended)
	}
	return fmt.Errorf("%s: %w: %w", c, ended, err)
}

// poolSize returns how many connections the writer may have open, or 0 if it has a pool for
// each server.
func (c *Cache) poolSize() int {
	if client, ok := c.writer.(*redis.Client); ok {
		return client.Options().PoolSize
	}
	return 0
}

// isBusy reports whether all connections of the writer are in use.
func (c *Cache) isBusy(size int) bool {
	stats := c.writer.PoolStats()
	return int(stats.TotalConns) >= size && stats.IdleConns == 0
}
