// Package memcache is Django's Memcached backends, PyMemcacheCache, PyLibMCCache and
// MemcachedCache, for the session engines cache and cached_db.
//
//	cache, err := memcache.New(memcache.Config{Servers: []string{"10.0.0.5:11211", "10.0.0.6:11211"}})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// Memcached forgets: when its memory is full it throws away what was used least, and
// when it ends, everything. Sessions that are to last belong into the engine db, or
// into cached_db, which finds them again in its table.
//
// # Several servers
//
// The client chooses the server by a hash of the key, and every client library
// has a hash of its own. [Config.Hash] must be the one of the site's backend, and
// [Config.Servers] what the site has in LOCATION: PyMemcache hashes the servers' names
// as they are spelled there, and the other two count them in that order. With
// anything else Go looks for the sessions where they are not. Where Go reaches a server
// under another name, [Config.Dial] translates.
//
// A server that does not answer is an error, and its sessions are neither lost nor
// looked for elsewhere. Django's clients differ: pymemcache takes such a server out
// for a minute after a few errors, and python-memcached for 30 seconds, and until
// then they keep the sessions on the others. What is written there is gone from sight
// when the server is back.
//
// # Beside a live Django
//
// A change is made once. If the answer to an add or a deletion is lost, it is sent again,
// since repeating it changes nothing. If the answer to a change is lost, the item is read:
// if it holds what was written, the change succeeded; otherwise the error is a
// djsession.ErrOutcomeUnknown. A connection that the server has closed is noticed before
// anything is sent on it.
//
// Every change is a cas: it is made only if the item is still what was read. An item
// that was deleted, or was thrown away, stays deleted. Servers that run without cas
// (-C) can be read, and refuse changes of what is there.
//
// A value over the server's limit (-I, 1 MB if not set) is an ErrTooLarge, and the
// old one stays. (Django deletes the old value.)
//
// What ends later than 2038-01-19 ends then: Memcached's own clock has 32 bits.
//
// Memcached cannot be enumerated, and does not tell when an item ends.
package memcache

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/signing"
)

// Config says which servers there are, and how the site chooses among them.
type Config struct {
	// Servers is LOCATION, a server each: "host:port", "host" (port 11211),
	// "[::1]:11211", or a socket as "unix:/path" or "/path". The order and, for
	// PyMemcache, the spelling count.
	Servers []string
	// Hash is how the site's backend chooses a server. Default: PyMemcache. With one
	// server they are all alike.
	Hash Hash

	// Timeout is how long a server may take to be connected to, and to answer.
	// Contexts do not reach that far: it is what ends a call. Default: 1 second.
	Timeout time.Duration
	// MaxConns limits the open connections to each server. A request that finds all
	// of them in use waits for one, at most for Timeout; then the error is an
	// os.ErrDeadlineExceeded. Default: 10.
	MaxConns int
	// MaxSize bounds, in bytes, what is read, and what it inflates to. Default: 32 MiB.
	MaxSize int
	// MaxItemSize is the largest value, in bytes, that is sent to a server: its -I.
	// Default: 1 MiB, the servers' own. A server that takes less says so itself.
	MaxItemSize int
	// ReadOnly refuses whatever would write.
	ReadOnly bool

	// Dial connects to a server; network is "tcp" or "unix", and address is as in
	// Servers, with its port. For TLS it is the DialContext of a tls.Dialer.
	// Default: that of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultMaxItemSize is the largest item that a Memcached takes unless it is told
// otherwise.
const DefaultMaxItemSize = 1 << 20

const (
	defaultTimeout  = time.Second
	defaultMaxConns = 10
)

// Cache is a cachestore.Cache over Memcached servers. It is safe for use by several
// goroutines.
type Cache struct {
	client      *client
	each        []*client // one for each server, to ask it for any key
	servers     *servers
	maxSize     int
	maxItemSize int
	readOnly    bool
	now         func() time.Time
}

var (
	_ cachestore.Cache   = (*Cache)(nil)
	_ cachestore.Sharded = (*Cache)(nil)
)

// New returns a cache on these servers. It does not connect yet.
func New(c Config) (*Cache, error) {
	if c.Timeout < 0 || c.MaxConns < 0 || c.MaxSize < 0 || c.MaxItemSize < 0 {
		return nil, errors.New("memcache: Timeout, MaxConns, MaxSize and MaxItemSize cannot be negative")
	}
	s, err := newServers(c.Servers, c.Hash)
	if err != nil {
		return nil, fmt.Errorf("memcache: %w", err)
	}
	cache := &Cache{
		client:      newClient(s, or(c.Timeout, defaultTimeout), or(c.MaxConns, defaultMaxConns)),
		servers:     s,
		maxSize:     or(c.MaxSize, signing.DefaultMaxSize),
		maxItemSize: or(c.MaxItemSize, DefaultMaxItemSize),
		readOnly:    c.ReadOnly,
		now:         time.Now,
	}
	for i := range s.all {
		one := &servers{all: s.all[i : i+1], nodes: s.nodes[i : i+1]}
		cache.each = append(cache.each, newClient(one, or(c.Timeout, defaultTimeout), 1))
	}
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	for _, client := range append(cache.each, cache.client) {
		client.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			var netErr net.Error
			switch {
			case errors.As(err, &netErr) && netErr.Timeout():
				return nil, netErr // gomemcache turns it into a ConnectTimeoutError
			case err != nil:
				return nil, &unsentError{err, true}
			}
			return &boundedConn{Conn: conn, limit: cache.maxSize}, nil
		}
	}
	return cache, nil
}

func or[T int | time.Duration](x, otherwise T) T {
	if x == 0 {
		return otherwise
	}
	return x
}

// Close closes the connections that are open.
func (c *Cache) Close() error {
	errs := []error{c.client.Close()}
	for _, client := range c.each {
		errs = append(errs, client.Close())
	}
	return errors.Join(errs...)
}

// String says where the servers are.
func (c *Cache) String() string {
	var addrs []string
	for _, s := range c.servers.all {
		addrs = append(addrs, s.address)
	}
	return "memcached (" + strings.Join(addrs, ", ") + ")"
}
