// Package memcache reads and writes the caches of Django's Memcached backends
// (PyMemcacheCache, PyLibMCCache and MemcachedCache), for the session engines cache and
// cached_db.
//
//	cache, err := memcache.New(memcache.Config{Servers: []string{"10.0.0.5:11211", "10.0.0.6:11211"}})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// Package storeurl opens the same from a URL.
//
// # Several servers
//
// The client chooses the server of a key by a hash, and every client library has a hash of its
// own. [Config.Hash] must be that of the site's backend, and [Config.Servers] must repeat the
// site's LOCATION: PyMemcache hashes the servers' names as they are spelled there, and the other
// two count the servers in that order. With any other list or hash Go looks for sessions on the
// wrong servers. If Go reaches a server under another name, translate it in [Config.Dial].
//
// If a server does not answer, the operation fails: this package does not treat the server's
// sessions as deleted, and does not look for them on other servers. Django's clients do. After a
// few errors pymemcache does not use such a server for a minute, and python-memcached for 30
// seconds. Meanwhile they store its sessions on the other servers. When the server is back, those
// sessions are no longer found.
//
// # Beside a live Django
//
// Every change is a cas: it is made only if the item is unchanged since it was read. An item that
// was deleted or evicted stays deleted. Servers that run without cas (-C) can be read, but their
// items cannot be changed.
//
// A change is made once. If the answer to an add or a deletion is lost, the request is sent
// again, since repeating it changes nothing. If the answer to a change is lost, the error is a
// djsession.ErrOutcomeUnknown. Before a request is sent, the package checks whether the server has
// closed the connection.
//
// # Limits
//
// Memcached evicts the least recently used items when its memory is full, and loses all items
// when it restarts. Keep sessions that must not be lost in the engine db or cached_db.
//
// If a value is over the server's limit (-I, 1 MB by default), the error is a
// djsession.ErrTooLarge, and the old value stays. (Django deletes the old value.) An item that
// would end after 2038-01-19 ends then: Memcached's clock has 32 bits. Memcached cannot list its
// items, and does not return the time at which an item ends.
//
// # Errors
//
// Errors are *djsession.OpError. If a server refuses a request, or does not speak Memcached's
// protocol, the cause is a [ServerError].
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

// Config lists the servers, and says how the site chooses one of them.
type Config struct {
	// Servers is LOCATION, one server in each element: "host:port", "host" (port 11211),
	// "[::1]:11211", or a socket as "unix:/path" or "/path". The order matters and, for
	// PyMemcache, the spelling.
	Servers []string
	// Hash is the way in which the site's backend chooses a server. Default: PyMemcache.
	// It does not matter if there is only one server.
	Hash Hash

	// Timeout limits connecting to a server, and each wait for an answer. gomemcache takes
	// no context, so a context does not end an operation that has begun. Default: 1 second.
	Timeout time.Duration
	// MaxConns limits the open connections to each server. If all are in use, a request
	// waits for one, at most for Timeout; then the error is an os.ErrDeadlineExceeded.
	// Default: 10.
	MaxConns int
	// MaxSize is the largest value, in bytes, that is read, before and after decompression.
	// Default: 32 MiB.
	MaxSize int
	// MaxItemSize is the largest value, in bytes, that is sent to a server: the server's -I.
	// Default: 1 MiB, as on the servers. A server with a lower limit refuses the value itself.
	MaxItemSize int
	// ReadOnly refuses all writes with djsession.ErrReadOnly.
	ReadOnly bool

	// Dial connects to a server. The network is "tcp" or "unix", and the address is that
	// in Servers, with its port. For TLS use the DialContext of a tls.Dialer. Default: the
	// DialContext of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// DefaultMaxItemSize is the largest item that a Memcached accepts by default.
const DefaultMaxItemSize = 1 << 20

const (
	defaultTimeout  = time.Second
	defaultMaxConns = 10
)

// Cache is a cachestore.Cache over Memcached servers. It is safe for use by several
// goroutines.
type Cache struct {
	client      *client
	each        []*client // one for each server: Misplaced asks each of them for a key
	servers     *servers
	maxSize     int
	maxItemSize int
	readOnly    bool
	now         func() time.Time
}

var (
	_ cachestore.Cache   = (*Cache)(nil)
	_ cachestore.Sharded = (*Cache)(nil)
	_ cachestore.Evicter = (*Cache)(nil)
)

// New returns a cache on the servers. It does not connect to them.
func New(c Config) (*Cache, error) {
	if c.Timeout < 0 || c.MaxConns < 0 || c.MaxSize < 0 || c.MaxItemSize < 0 {
		return nil, errors.New("memcache: Timeout, MaxConns, MaxSize and MaxItemSize cannot be negative")
	}
	s, err := newServers(c.Servers, c.Hash)
	if err != nil {
		return nil, fmt.Errorf("memcache: %w", err)
	}
	cache := &Cache{
		client:      newClient(s, orDefault(c.Timeout, defaultTimeout), orDefault(c.MaxConns, defaultMaxConns)),
		servers:     s,
		maxSize:     orDefault(c.MaxSize, signing.DefaultMaxSize),
		maxItemSize: orDefault(c.MaxItemSize, DefaultMaxItemSize),
		readOnly:    c.ReadOnly,
		now:         time.Now,
	}
	for i := range s.all {
		one := &servers{all: s.all[i : i+1], nodes: s.nodes[i : i+1]}
		cache.each = append(cache.each, newClient(one, orDefault(c.Timeout, defaultTimeout), 1))
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
				return nil, &unsentError{error: err, dial: true}
			}
			return &boundedConn{Conn: conn, limit: cache.maxSize}, nil
		}
	}
	return cache, nil
}

func orDefault[T int | time.Duration](x, defaultValue T) T {
	if x == 0 {
		return defaultValue
	}
	return x
}

// Close closes the connections that are open.
func (c *Cache) Close() error {
	errs := []error{c.client.Close()}
	for _, client := range c.each {
		errs = append(errs, client.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return opError("close", "", err)
	}
	return nil
}

// Evicts returns that Memcached evicts items. It asks no server.
func (c *Cache) Evicts(context.Context) (string, error) {
	return "Memcached evicts the least recently used items when its memory is full", nil
}

// String returns the addresses of the servers: "memcached (10.0.0.5:11211, 10.0.0.6:11211)".
func (c *Cache) String() string {
	var addrs []string
	for _, s := range c.servers.all {
		addrs = append(addrs, s.address)
	}
	return "memcached (" + strings.Join(addrs, ", ") + ")"
}
