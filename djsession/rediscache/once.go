package rediscache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
)

// once sends a command once: if go-redis sent it again, it could not tell what the first
// attempt wrote from what somebody else wrote. keyAt is the index of the key in args.
func (c *Cache) once(ctx context.Context, keyAt int8, args ...any) (any, error) {
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(keyAt)
	err := c.writer.Process(ctx, onceCmd{cmd})
	return cmd.Val(), err
}

type onceCmd struct{ *redis.Cmd }

func (onceCmd) NoRetry() bool { return true }

// del deletes a key, sends that once, and returns how many keys were deleted.
func (c *Cache) del(ctx context.Context, key string) (int64, error) {
	cmd := redis.NewIntCmd(ctx, "del", key)
	cluster, ok := c.writer.(*redis.ClusterClient)
	if !ok {
		err := c.writer.Process(ctx, onceDel{cmd})
		return cmd.Val(), err
	}
	// A Cluster's client turns a DEL into other commands, which it sends again. A node's does not.
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return 0, notSentError{err}
	}
	err = node.Process(ctx, onceDel{cmd})
	if code := code(err); code == "MOVED" || code == "ASK" {
		return cluster.Del(ctx, key).Result() // the node has not done it: the key is on another one
	}
	return cmd.Val(), err
}

type onceDel struct{ *redis.IntCmd }

func (onceDel) NoRetry() bool { return true }

// attempts is how often a command is sent at most if its connection breaks, or if Redis
// refuses it for a reason that passes.
const attempts = 3

// sendAgain sends a command that writes, and sends it again after a refusal that passes.
// If its connection breaks, it is sent again only if it is harmless: if doing it twice
// changes nothing. Then again is true, and Redis's answer may be about what the first
// attempt has done. Without an answer the error is a djsession.ErrOutcomeUnknown.
func (c *Cache) sendAgain(ctx context.Context, harmless bool, send func() error) (again bool, err error) {
	var unknown error
	for attempt := 1; ; attempt++ {
		err = send()
		if err == nil || err == errChanged || errors.Is(err, redis.Nil) {
			return unknown != nil, err
		}
		wasLost := lost(err)
		if wasLost && unknown == nil {
			unknown = fmt.Errorf("%w: %w", djsession.ErrOutcomeUnknown, err)
		}
		if attempt == attempts || wasLost && !harmless || !mayTryAgain(err) || !sleep(ctx, backoff(attempt)) {
			break
		}
	}
	if unknown != nil {
		return true, unknown // a refusal now says nothing about the first attempt
	}
	return false, err
}

// lost reports whether a command may have been sent and was not answered.
func lost(err error) bool {
	var answer redis.Error
	var op *net.OpError
	switch {
	case errors.As(err, &answer), errors.As(err, new(notSentError)):
		return false
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrClosed):
		return false
	}
	return !(errors.As(err, &op) && op.Op == "dial")
}

// notSentError is an error before the command that writes was sent.
type notSentError struct{ error }

func (e notSentError) Unwrap() error { return e.error }

// backoff is the pause after an attempt.
func backoff(attempt int) time.Duration {
	return time.Duration(attempt*attempt) * 20 * time.Millisecond
}

// sleep waits, and returns false if ctx ends before that.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
