// Package rediscache is Redis as a site's cache, for the session engines cache and
// cached_db: in the format of Django's own RedisCache (Django 4.0 and later) and in
// those of django-redis.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	cache, err := rediscache.New(rediscache.Config{Writer: client})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// Package storeurl makes one from a URL. Clients are go-redis's, of any kind: a plain
// one, one that asks Sentinels ([redis.NewFailoverClient]), one of a Cluster, a Ring.
// Give them ContextTimeoutEnabled, or a request's deadline does not count while Redis
// is waited for, but only their ReadTimeout.
//
// # Formats
//
// Django's RedisCache stores what the serializer wrote, as it is. django-redis may
// compress it: see [Compressor]. Which serializer the site has is for
// cachestore.Config to say: djsession.PickleSerializer is the default of both, and
// [JSONSerializer] and [MessagePackSerializer] are those that django-redis has besides.
//
// # What is sent
//
// A load is one GETRANGE, which is a GET that stops at [Config.MaxSize]; only before a
// key is said not to be there, an EXISTS follows. A save is one script (EVALSHA), which
// compares and sets. Where scripts are not allowed, it is WATCH and MULTI, four round
// trips. Redis's user needs these commands, by their ACL names: getrange, exists, set,
// del, get, evalsha, eval (or watch, multi, exec), pttl, type, and for lists scan.
//
// A change is made once. If the answer to a new key or to a deletion is lost, the command
// is sent again, since repeating it changes nothing. If the answer to a save is lost, the
// key is read: if it holds what was saved, the save succeeded; otherwise the error is a
// djsession.ErrOutcomeUnknown. go-redis notices a pooled connection that the server has
// closed before it sends a command; over TLS only if package storeurl made the client.
package rediscache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession/cachestore"
	"github.com/djsess/djsess/djsession/rediscache/internal/compress"
	"github.com/djsess/djsess/internal/waitlimit"
	"github.com/djsess/djsess/signing"
)

// Config says which Redis is meant, and how the site writes to it.
type Config struct {
	// Writer is the first LOCATION: all writes go to it, and its word counts. A
	// Cluster's client must not read from replicas (ReadOnly) here.
	Writer redis.UniversalClient
	// Address is where the writer is, for messages. Default: the address in the client's
	// options. A client that asks Sentinels has none there.
	Address string
	// Readers are the other LOCATIONs, replicas of the first. As in Django a value is
	// read from any one of them. What is not there, or cannot be read, is asked of
	// the writer, and so is everything while a reader is down.
	Readers []redis.UniversalClient
	// DjangoRedis is for a site with django-redis, which counts timeouts in
	// milliseconds. Default: Django's own RedisCache, which counts whole seconds.
	DjangoRedis bool
	// Compressor is OPTIONS["COMPRESSOR"] of django-redis. Default: Uncompressed.
	Compressor Compressor
	// MaxSize bounds, in bytes, what is stored and what it decompresses to, as
	// Settings.MaxPayloadSize should. Default: that one's default, 32 MiB.
	MaxSize int
	// Timeout limits how long a load or a write may take, even if its context has no
	// deadline: the wait for a free connection, connecting, and the answer. It also
	// limits each page of a scan. A reader has half of it, so that there is time to
	// ask the writer if the reader is silent. Then the error is a
	// context.DeadlineExceeded. Default: 10 seconds; negative: no limits but those of
	// the context and of the clients.
	Timeout time.Duration
}

// Cache is a cachestore.Cache, cachestore.Scanner and cachestore.Expirer over Redis.
type Cache struct {
	writer     redis.UniversalClient
	address    string
	readers    []*reader
	inSeconds  bool
	compressor compress.Compressor
	maxSize    int
	maxStored  int
	timeout    time.Duration
	unscripted atomic.Bool // scripts are refused
}

var (
	_ cachestore.Cache   = (*Cache)(nil)
	_ cachestore.Scanner = (*Cache)(nil)
	_ cachestore.Expirer = (*Cache)(nil)
)

// New returns a cache over the clients, which Close closes. It does not ask them
// anything.
func New(c Config) (*Cache, error) {
	if c.MaxSize == 0 {
		c.MaxSize = signing.DefaultMaxSize
	}
	cache := &Cache{writer: c.Writer, address: c.Address, inSeconds: !c.DjangoRedis, maxSize: c.MaxSize, timeout: waitlimit.Or(c.Timeout)}
	switch {
	case c.Writer == nil || slices.Contains(c.Readers, nil):
		return nil, errors.New("rediscache: a client is missing")
	case c.MaxSize < 0:
		return nil, fmt.Errorf("rediscache: MaxSize %d: want as many bytes as a value may have", c.MaxSize)
	}
	if cluster, ok := c.Writer.(*redis.ClusterClient); ok && cluster.Options().ReadOnly {
		return nil, errors.New("rediscache: Writer reads from replicas (ReadOnly): make that client one of the Readers")
	}
	var err error
	if cache.compressor, err = newCompressor(c.Compressor, c.MaxSize); err != nil {
		return nil, fmt.Errorf("rediscache: %w", err)
	}
	// What does not compress is a little longer for it.
	cache.maxStored = c.MaxSize + c.MaxSize/64 + 1<<10
	for _, client := range c.Readers {
		cache.readers = append(cache.readers, &reader{client: client})
	}
	return cache, nil
}

// Close closes the clients.
func (c *Cache) Close() error {
	errs := []error{c.writer.Close()}
	for _, r := range c.readers {
		errs = append(errs, r.client.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("rediscache: close: %w", err)
	}
	return nil
}

// String is where the writer is: "redis (10.0.0.5:6379)".
func (c *Cache) String() string {
	at := c.address
	if at == "" {
		at = addressOf(c.writer)
	}
	if at == "" {
		return "redis"
	}
	return "redis (" + at + ")"
}

// addressOf returns the address in a client's options, or "".
func addressOf(client redis.UniversalClient) string {
	switch client := client.(type) {
	case *redis.Client:
		return client.Options().Addr // "FailoverClient" for a client that asks Sentinels
	case *redis.ClusterClient:
		return "cluster " + strings.Join(client.Options().Addrs, ", ")
	case *redis.Ring:
		return "ring"
	}
	return ""
}
