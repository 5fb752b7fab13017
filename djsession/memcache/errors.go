package memcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// ServerError is a server that refused, or did not speak Memcached's protocol.
type ServerError struct {
	// Server is its address.
	Server string
	// Answer is what it said, such as "SERVER_ERROR out of memory storing object";
	// empty when that was nothing that a Memcached says.
	Answer string
}

func (e *ServerError) Error() string {
	if e.Answer == "" {
		return e.Server + " does not answer as a Memcached does"
	}
	return fmt.Sprintf("%s answered %q", e.Server, e.Answer)
}

// errNoCAS: the item has no id by which it could be swapped.
var errNoCAS = errors.New("the server runs without cas (-C), and cannot tell whether the item was changed meanwhile")

// wrap says what was being done to which item.
func wrap(op, key string, err error) error {
	if key != "" {
		op += " " + cachestore.ShortKey(key)
	}
	return fmt.Errorf("memcache: %s: %w", op, err)
}

// fail wraps an error of gomemcache, with what it means to djsession. When ctx has ended
// meanwhile that is what it is.
func (c *Cache) fail(ctx context.Context, op, key string, err error) error {
	err = c.classified(key, err)
	if ended := ctx.Err(); ended != nil && !settled(err) {
		err = fmt.Errorf("%w: %w", ended, err)
	}
	return wrap(op, key, err)
}

// settled tells an answer from a server that could not be asked.
func settled(err error) bool {
	var payload *djsession.PayloadError
	return errors.Is(err, djsession.ErrNotFound) || errors.Is(err, djsession.ErrKeyTaken) ||
		errors.Is(err, djsession.ErrConflict) || errors.As(err, &payload)
}

// classified says what an error of gomemcache means.
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
	case broken(err):
		return fmt.Errorf("%s closed the connection: %w", c.servers.pick(key), err)
	}
	if strings.HasPrefix(err.Error(), "memcache: ") {
		return c.refused(key, err)
	}
	return err // of the network, which names the server
}

// quoted is where gomemcache has the server's line in its errors.
var quoted = regexp.MustCompile(`^memcache: unexpected (?:response )?line.*?: ("(?:[^"\\]|\\.)*")$`)

// refused makes a ServerError of the errors that quote a line of the server's. Of the
// line only what is known to hold no key and no value is shown.
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

// broken tells that the server has closed the connection, as it does when it ends,
// and with connections that were idle for longer than it likes.
func broken(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
