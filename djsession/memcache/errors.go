package memcache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/internal/sendonce"
)

// ServerError is the error for a server that refused a request, or that does not speak
// Memcached's protocol.
type ServerError struct {
	// Server is the address of the server.
	Server string
	// Answer is the server's answer, such as "SERVER_ERROR out of memory storing object". It
	// is empty if the server does not speak Memcached's protocol.
	Answer string
}

func (e *ServerError) Error() string {
	if e.Answer == "" {
		return e.Server + " does not answer as a Memcached does"
	}
	return fmt.Sprintf("%s answered %q", e.Server, e.Answer)
}

// errNoCAS: the item has no cas id, so it cannot be swapped.
var errNoCAS = errors.New("the server runs without cas (-C), and cannot tell whether the item was changed meanwhile")

// opError returns the error of an operation on an item.
func opError(op, key string, err error) error {
	return &djsession.OpError{Store: "memcache", Op: op, Key: cachestore.ShortKey(key), Err: err, Hint: hint(err)}
}

// hint returns what can be done about an error, or "".
func hint(err error) string {
	var refusal *ServerError
	switch {
	case errors.Is(err, errNoCAS):
		return "start the servers without -C"
	case errors.As(err, new(*busyError)):
		return "raise MaxConns, or use more servers"
	case errors.As(err, new(*djsession.PayloadError)):
		return ""
	case errors.Is(err, djsession.ErrTooLarge):
		return "keep less in the session, or raise the servers' -I and MaxItemSize"
	case !errors.As(err, &refusal):
		return ""
	case refusal.Answer == "":
		return "check the address and the port, and whether the server wants TLS"
	case strings.HasPrefix(refusal.Answer, "SERVER_ERROR out of memory"):
		return "give the servers more memory (-m), or start them without -M"
	case strings.HasPrefix(refusal.Answer, "CLIENT_ERROR unauthenticated"):
		return "use a server that wants no password: djsess sends none"
	}
	return ""
}

// fail returns the error of an operation for an error of gomemcache. If the server did not
// answer and ctx has ended meanwhile, the error is also ctx's.
func (c *Cache) fail(ctx context.Context, op, key string, err error) error {
	err = c.classified(key, err)
	if ended := ctx.Err(); ended != nil && !hasAnswered(err) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return opError(op, key, err)
}

// hasAnswered reports whether an error is the server's answer about the item.
func hasAnswered(err error) bool {
	var payload *djsession.PayloadError
	return errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrKeyTaken) ||
		errors.Is(err, djsession.ErrConflict) || errors.As(err, &payload)
}

// classified turns an error of gomemcache into one of djsession's or of this package.
func (c *Cache) classified(key string, err error) error {
	var tooLong *tooLongError
	var connect *memcache.ConnectTimeoutError
	switch {
	case errors.Is(err, memcache.ErrCacheMiss):
		return djsession.ErrNotFound
	case errors.Is(err, memcache.ErrMalformedKey):
		return fmt.Errorf("%w: an InvalidCacheKey", djsession.ErrInvalidKey)
	case errors.As(err, &tooLong):
		return djsession.UnsignedError(fmt.Errorf("%w: %w", djsession.ErrTooLarge, tooLong))
	case errors.As(err, &connect):
		return fmt.Errorf("connect to %s: %w", connect.Addr, os.ErrDeadlineExceeded)
	case sendonce.IsBroken(err):
		return fmt.Errorf("%s closed the connection: %w", c.servers.pick(key), err)
	}
	if strings.HasPrefix(err.Error(), "memcache: ") {
		return c.refused(key, err)
	}
	return err // an error of the network, which names the server
}

// quoted matches the server's answer in an error of gomemcache.
var quoted = regexp.MustCompile(`^memcache: unexpected (?:response )?line.*?: ("(?:[^"\\]|\\.)*")$`)

// refused returns a ServerError for an error that quotes the server's answer. ServerError.Answer
// holds only answers that are known to contain no value, and shortens the key.
func (c *Cache) refused(key string, err error) error {
	refusal := &ServerError{Server: c.servers.pick(key).String()}
	if m := quoted.FindStringSubmatch(err.Error()); m != nil {
		if line, unquoted := strconv.Unquote(m[1]); unquoted == nil {
			line = strings.TrimSpace(line)
			word, _, _ := strings.Cut(line, " ")
			if word == "SERVER_ERROR" || word == "CLIENT_ERROR" || line == "ERROR" {
				refusal.Answer = strings.ReplaceAll(line, key, cachestore.ShortKey(key))
			}
		}
	}
	if strings.HasPrefix(refusal.Answer, "SERVER_ERROR object too large") {
		return fmt.Errorf("%w: %w", djsession.ErrTooLarge, refusal)
	}
	return refusal
}
