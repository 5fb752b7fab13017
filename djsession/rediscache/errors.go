package rediscache

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/waitlimit"
)

// These are refusals of Redis for which package djsession has no error.
var (
	// ErrPassword: the password is missing or wrong (NOAUTH, WRONGPASS).
	ErrPassword = errors.New("redis refuses the user or the password")
	// ErrPermission: the user may not run the command, or may not use the key (NOPERM).
	ErrPermission = errors.New("the user of redis lacks a permission")
	// ErrOutOfMemory: Redis has reached maxmemory and may not evict anything (OOM).
	ErrOutOfMemory = errors.New("redis is out of memory")
	// ErrCluster: the server is a node of a Cluster, and needs a redis.ClusterClient (MOVED).
	ErrCluster = errors.New("redis is a node of a Cluster, and the client is not a client for Clusters")
	// ErrHerdClient: django-redis's HerdClient wrote the value. Use its DefaultClient for sessions.
	ErrHerdClient = errors.New("a tuple of django-redis's HerdClient, which cannot be changed safely")
)

// meanings maps error codes of Redis to errors.
var meanings = map[string]error{
	"NOAUTH":    ErrPassword,
	"WRONGPASS": ErrPassword,
	"NOPERM":    ErrPermission,
	"OOM":       ErrOutOfMemory,
	"MOVED":     ErrCluster,
	// These are the errors of a replica, of a master that cannot write its snapshots, and of a
	// master without its replicas.
	"READONLY":   djsession.ErrReadOnly,
	"MISCONF":    djsession.ErrReadOnly,
	"NOREPLICAS": djsession.ErrReadOnly,
	// These conditions are temporary.
	"LOADING":     djsession.ErrBusy,
	"BUSY":        djsession.ErrBusy,
	"MASTERDOWN":  djsession.ErrBusy,
	"CLUSTERDOWN": djsession.ErrBusy,
	"TRYAGAIN":    djsession.ErrBusy,
}

// opError returns the OpError for an operation on an item.
func opError(op, key string, err error) error {
	return &djsession.OpError{Store: "rediscache", Op: op, Key: cachestore.ShortKey(key), Err: err, Hint: hint(err)}
}

// hint returns a remedy for an error, or "".
func hint(err error) string {
	switch {
	case errors.Is(err, ErrPassword):
		return "use the user and password of the site's LOCATION"
	case errors.Is(err, errMemorySettings):
		return "let the user run config|get or info"
	case errors.Is(err, ErrPermission):
		return "let the user run getrange, exists, set, del, get, evalsha, eval, pttl, type and scan on the keys of sessions"
	case errors.Is(err, ErrOutOfMemory):
		return "raise maxmemory, or set a maxmemory-policy that evicts"
	case errors.Is(err, ErrCluster):
		return "open it with the client of a Cluster"
	case errors.Is(err, ErrHerdClient):
		return "use django-redis's DefaultClient for sessions"
	}
	switch code(err) {
	case "READONLY":
		return "the first LOCATION must be the master"
	case "MISCONF", "NOREPLICAS":
		return "see the log of Redis"
	}
	return ""
}

// fail returns the OpError for an error of Redis or go-redis. If Redis did not
// answer and ctx has ended meanwhile, the error is also ctx's.
func (c *Cache) fail(ctx context.Context, op, key string, err error) error {
	err = c.classified(ctx, key, err)
	return opError(op, key, c.ended(ctx, err))
}

// hasAnswered reports whether an error is Redis's answer about the key.
func hasAnswered(err error) bool {
	var payload *djsession.PayloadError
	return errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrKeyTaken) ||
		errors.Is(err, djsession.ErrConflict) || errors.As(err, &payload)
}

// isAboutKey reports whether the result of a command, before fail, is an answer about the key. After
// any other error Redis may fail for every key.
func isAboutKey(err error) bool {
	return isAnswer(err) || hasAnswered(err) || code(err) == "WRONGTYPE"
}

// classified turns an error of Redis or go-redis into an error of djsession or of this package.
func (c *Cache) classified(ctx context.Context, key string, err error) error {
	if errors.Is(err, redis.Nil) {
		return djsession.ErrNotFound
	}
	code := code(err)
	if code == "WRONGTYPE" {
		return c.wrongType(ctx, key)
	}
	err = hideArguments(err, key)
	if meaning, ok := meanings[code]; ok {
		err = fmt.Errorf("%w: %w", meaning, err)
	}
	return err
}

// code returns the first word of an error reply of Redis, such as "READONLY". It returns "" for
// any other error.
func code(err error) string {
	var answer redis.Error
	if err == nil || errors.Is(err, redis.Nil) || !errors.As(err, &answer) {
		return ""
	}
	text := answer.Error()
	first, _, _ := strings.Cut(text, " ")
	if inner := scriptsCode.FindStringSubmatch(text); inner != nil {
		return inner[1]
	}
	return first
}

// scriptsCode matches the code of a command that failed in a script. Before Redis 7 the code is
// inside the text.
var scriptsCode = regexp.MustCompile(`^ERR Error running script .*?: -?([A-Z]{3,}) `)

// refusesScripts reports whether Redis did not run a script because scripts are not allowed or
// not known.
func refusesScripts(err error) bool {
	if code(err) == "NOPERM" {
		return true
	}
	var answer redis.Error
	return errors.As(err, &answer) && strings.HasPrefix(strings.ToLower(answer.Error()), "err unknown command")
}

// redactedError is an error whose own text must not be shown, with a text to show.
type redactedError struct {
	error
	text string
}

func (e redactedError) Error() string { return e.text }
func (e redactedError) Unwrap() error { return e.error }

// hideArguments removes the cache key from an error's text, and the arguments of an unknown
// command, which Redis repeats.
func hideArguments(err error, key string) error {
	text, _, _ := strings.Cut(err.Error(), ", with args beginning with")
	if key != "" {
		text = strings.ReplaceAll(text, key, cachestore.ShortKey(key))
	}
	if text == err.Error() {
		return err
	}
	return redactedError{err, text}
}

// ended adds details to an error that is not Redis's answer: the server's address, whether ctx
// has ended, and whether all connections were busy.
func (c *Cache) ended(ctx context.Context, err error) error {
	if err == nil || hasAnswered(err) || errors.Is(err, redis.Nil) {
		return err
	}
	ended := waitlimit.Ended(ctx)
	noneFree := errors.Is(err, redis.ErrPoolTimeout)
	if noneFree && ended == nil {
		ended = context.DeadlineExceeded
	}
	if ended == nil {
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() { // the text of go-redis does not always have the address
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
