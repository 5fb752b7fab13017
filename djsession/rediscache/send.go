package rediscache

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/internal/sendonce"
)

// command returns a command of Redis. keyAt is the index of the key in args.
func command(ctx context.Context, keyAt int8, args ...any) *redis.Cmd {
	cmd := redis.NewCmd(ctx, args...)
	cmd.SetFirstKeyPos(keyAt)
	return cmd
}

// sendOnce sends a command once. By default go-redis sends a command again if its answer was
// lost, and the second answer may then describe the effect of either attempt.
func (c *Cache) sendOnce(ctx context.Context, cmd *redis.Cmd) (any, error) {
	err := c.writer.Process(ctx, onceCmd{cmd})
	return cmd.Val(), err
}

type onceCmd struct{ *redis.Cmd }

func (onceCmd) NoRetry() bool { return true }

// del sends a DEL once, and returns how many keys were deleted.
func (c *Cache) del(ctx context.Context, key string) (int64, error) {
	cmd := redis.NewIntCmd(ctx, "del", key)
	cluster, ok := c.writer.(*redis.ClusterClient)
	if !ok {
		err := c.writer.Process(ctx, onceDel{cmd})
		return cmd.Val(), err
	}
	// A ClusterClient turns a DEL into commands that it may send again. The client of a node
	// does not.
	node, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return 0, notSentError{err}
	}
	err = node.Process(ctx, onceDel{cmd})
	if code := code(err); code == "MOVED" || code == "ASK" {
		return cluster.Del(ctx, key).Result() // the key is on another node, and nothing was done
	}
	return cmd.Val(), err
}

type onceDel struct{ *redis.IntCmd }

func (onceDel) NoRetry() bool { return true }

// sendWithRetries sends a command that writes, and sends it again after a temporary error. If the
// connection breaks before the answer, it sends only an idempotent command again. Then lost is
// true, and Redis's answer may describe the effect of the first attempt. If no answer comes, the
// error is a djsession.ErrOutcomeUnknown.
func (c *Cache) sendWithRetries(ctx context.Context, idempotent bool, send func() error) (lost bool, err error) {
	return sendonce.Request{
		Send:     send,
		IsAnswer: isAnswer,
		IsLost:   isLost,
		Repeat: func(attempt int, err error, lost bool) bool {
			return (idempotent || !lost) && isTemporary(err) && sleep(ctx, backoff(attempt))
		},
	}.Do()
}

// isAnswer reports whether Redis has answered a command with the state of the key.
func isAnswer(err error) bool {
	return err == nil || err == errChanged || errors.Is(err, redis.Nil)
}

// isLost reports whether a command may have been sent but was not answered.
func isLost(err error) bool {
	var answer redis.Error
	switch {
	case errors.As(err, &answer), errors.As(err, new(notSentError)):
		return false
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrClosed):
		return false
	}
	return !sendonce.IsDialError(err)
}

// isTemporary reports whether a command can succeed if it is sent again.
func isTemporary(err error) bool {
	return sendonce.IsBroken(err) || slices.Contains([]string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"}, code(err))
}

// notSentError is an error from before the writing command was sent.
type notSentError struct{ error }

func (e notSentError) Unwrap() error { return e.error }

// backoff returns the pause after an attempt.
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
