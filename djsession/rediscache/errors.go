package rediscache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// What Redis refuses for reasons that djsession has no error for.
var (
	// ErrPassword: Redis wants a password, or another one (NOAUTH, WRONGPASS).
	ErrPassword = errors.New("redis wants a user and password that it knows")
	// ErrPermission: the user may not run a command or not use the key (NOPERM).
	ErrPermission = errors.New("redis does not let this user")
	// ErrOutOfMemory: maxmemory is reached, and nothing may be evicted for what is new (OOM).
	ErrOutOfMemory = errors.New("redis is out of memory")
	// ErrCluster: the server is a node of a Cluster, and the client is not one for Clusters (MOVED).
	ErrCluster = errors.New("redis is a node of a Cluster, which a Cluster's client must be made for")
	// ErrHerdClient: django-redis's HerdClient wrote the value. Use its DefaultClient for sessions.
	ErrHerdClient = errors.New("a tuple of django-redis's HerdClient, which cannot be written back without losing its meaning")
)

// meanings are what error codes of Redis mean.
var meanings = map[string]error{
	"NOAUTH":    ErrPassword,
	"WRONGPASS": ErrPassword,
	"NOPERM":    ErrPermission,
	"OOM":       ErrOutOfMemory,
	"MOVED":     ErrCluster,
	// A replica; one that cannot write its snapshots; one that misses its replicas.
	"READONLY":   djsession.ErrReadOnly,
	"MISCONF":    djsession.ErrReadOnly,
	"NOREPLICAS": djsession.ErrReadOnly,
	// These pass.
	"LOADING":     djsession.ErrBusy,
	"BUSY":        djsession.ErrBusy,
	"MASTERDOWN":  djsession.ErrBusy,
	"CLUSTERDOWN": djsession.ErrBusy,
	"TRYAGAIN":    djsession.ErrBusy,
}

// wrap says what was being done to which key.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + cachestore.ShortKey(key)
	}
	return fmt.Errorf("rediscache: %s: %w", op, err)
}

// fail wraps an error of Redis or go-redis, with what it means to djsession. When
// ctx has ended meanwhile that is what it is.
func (c *Cache) fail(ctx context.Context, op, key string, err error) error {
	err = c.classified(ctx, key, err)
	return wrap(op, key, c.ended(ctx, err))
}

// answered tells what Redis has said of a key from what kept it from saying anything.
func answered(err error) bool {
	var payload *djsession.PayloadError
	return errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrConflict) || errors.As(err, &payload)
}

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

// code is what an answer of Redis begins with, such as "READONLY"; "" if err is none.
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

// scriptsCode finds what a command in a script was answered, where Redis (before 7)
// tells that only by the way.
var scriptsCode = regexp.MustCompile(`^ERR Error running script .*?: -?([A-Z]{3,}) `)

// refusesScripts tells that nothing has run, since scripts are not allowed, or not known.
func refusesScripts(err error) bool {
	if code(err) == "NOPERM" {
		return true
	}
	var answer redis.Error
	return errors.As(err, &answer) && strings.HasPrefix(strings.ToLower(answer.Error()), "err unknown command")
}

// mayTryAgain tells that a write has met what passes.
func mayTryAgain(err error) bool {
	return broken(err) || slices.Contains([]string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"}, code(err))
}

// broken tells that the connection ended, so that the answer is lost.
func broken(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// discreet is an error without what it must not show.
type discreet struct {
	error
	text string
}

func (e discreet) Error() string { return e.text }
func (e discreet) Unwrap() error { return e.error }

// hideArguments keeps the cache key, and the arguments that Redis repeats of a
// command that it does not know, out of an error's text.
func hideArguments(err error, key string) error {
	text, _, _ := strings.Cut(err.Error(), ", with args beginning with")
	if key != "" {
		text = strings.ReplaceAll(text, key, cachestore.ShortKey(key))
	}
	if text == err.Error() {
		return err
	}
	return discreet{err, text}
}
