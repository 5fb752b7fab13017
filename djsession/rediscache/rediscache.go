// Package rediscache reads and writes a site's cache in Redis, for the session engines cache and
// cached_db. It knows the format of Django's own RedisCache (Django 4.0 and later) and those of
// django-redis and of django-valkey, which writes as django-redis does.
//
//	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
//	cache, err := rediscache.New(rediscache.Config{Writer: client})
//	store, err := cachestore.New(cache, cachestore.Config{Settings: settings})
//
// Package storeurl opens the same from a URL.
//
// Any client of go-redis works: for one server, for Sentinels ([redis.NewFailoverClient]), for a
// Cluster, or a Ring. Set ContextTimeoutEnabled. Without it only ReadTimeout ends the wait for an
// answer, and a request's deadline does not.
//
// # Formats
//
// Django's RedisCache stores the output of the serializer. django-redis may compress it: see
// [Compressor]. Set the serializer in cachestore.Config. The default of both clients is
// djsession.PickleSerializer; django-redis also has [JSONSerializer] and
// [MessagePackSerializer].
//
// # Commands
//
// A load is one GETRANGE, which is a GET that stops at [Config.MaxSize]. If that finds nothing,
// an EXISTS follows. A save is one script (EVALSHA) that compares and sets. If scripts are not
// allowed, a save is WATCH and MULTI, which takes four round trips. The Redis user needs these
// commands, by their ACL names: getrange, exists, set, del, get, evalsha, eval (or watch, multi,
// exec), pttl and type. To list sessions it also needs scan, for [Cache.Evicts] config|get or
// info, and for [Cache.Examine] both of these and time. [Cache.AddAll], [Cache.SwapAll] and [Cache.Has] send the commands of many items in one
// pipeline.
//
// A change is made once. If the answer to a new key or to a deletion is lost, the command
// is sent again, since repeating it changes nothing. If the answer to a save is lost, the error
// is a djsession.ErrOutcomeUnknown. Before go-redis sends a command, it detects that the server
// has closed the pooled connection. Over TLS it does so only if package storeurl made the client.
//
// # Errors
//
// Errors are *djsession.OpError, with a hint if there is a remedy. Besides the errors of package
// djsession there are [ErrPassword], [ErrPermission], [ErrOutOfMemory], [ErrCluster] and
// [ErrHerdClient].
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

// Config holds the clients, and says how the site stores values in Redis.
type Config struct {
	// Writer is the client of the first LOCATION. All writes go to it, and it decides
	// whether a key exists. The client of a Cluster must not read from replicas (ReadOnly).
	Writer redis.UniversalClient
	// Address is the writer's address, for messages. Default: the address in the client's
	// options. A client for Sentinels has none there.
	Address string
	// Readers are the clients of the other LOCATIONs, replicas of the first. As in Django a
	// value is read from a random one. If that reader does not have the key, has a damaged
	// value or does not answer, the value is read from the writer.
	Readers []redis.UniversalClient
	// DjangoRedis says that the site uses django-redis or django-valkey, which count timeouts in
	// milliseconds. Default: Django's own RedisCache, which counts whole seconds.
	DjangoRedis bool
	// Compressor is OPTIONS["COMPRESSOR"] of django-redis. Default: Uncompressed.
	Compressor Compressor
	// OldCompressors are other compressors whose values are read, too, while a site moves from
	// one to another. With Uncompressed among them, an uncompressed value is compressed when it is
	// replaced. Default: none.
	OldCompressors []Compressor
	// MaxSize is the largest value, in bytes, before and after compression. Use
	// Settings.MaxPayloadSize. Default: 32 MiB, as in Settings.
	MaxSize int
	// Timeout limits a load, a write and each page of a scan, even if the context has no
	// deadline: the wait for a free connection, connecting, and the answer. A reader gets
	// half of it, which leaves time to ask the writer. After the timeout the error is a
	// context.DeadlineExceeded. Default: 10 seconds. If Timeout is negative, only the context
	// and the clients set limits.
	Timeout time.Duration
}

// Cache is a cachestore.Cache, cachestore.BulkCache, cachestore.Scanner, cachestore.Expirer and
// cachestore.Evicter over Redis.
type Cache struct {
	writer       redis.UniversalClient
	address      string
	readers      []*reader
	wholeSeconds bool
	compressor   compress.Compressor
	// Other compressors whose values are read. Uncompressed is not among them.
	oldCompressors  []compress.Compressor
	oldUncompressed bool
	maxSize         int
	maxStored       int
	timeout         time.Duration
	noScripts       atomic.Bool // Redis refuses scripts
}

var (
	_ cachestore.Cache     = (*Cache)(nil)
	_ cachestore.BulkCache = (*Cache)(nil)
	_ cachestore.Examiner  = (*Cache)(nil)
	_ cachestore.Scanner   = (*Cache)(nil)
	_ cachestore.Expirer   = (*Cache)(nil)
	_ cachestore.Evicter   = (*Cache)(nil)
)

// New returns a cache over the clients. It sends nothing to them. Close closes them.
func New(c Config) (*Cache, error) {
	if c.MaxSize == 0 {
		c.MaxSize = signing.DefaultMaxSize
	}
	cache := &Cache{writer: c.Writer, address: c.Address, wholeSeconds: !c.DjangoRedis, maxSize: c.MaxSize, timeout: waitlimit.OrDefault(c.Timeout)}
	switch {
	case c.Writer == nil || slices.Contains(c.Readers, nil):
		return nil, errors.New("rediscache: a client is missing")
	case c.MaxSize < 0:
		return nil, fmt.Errorf("rediscache: MaxSize %d: want the largest size of a value, in bytes", c.MaxSize)
	}
	if cluster, ok := c.Writer.(*redis.ClusterClient); ok && cluster.Options().ReadOnly {
		return nil, errors.New("rediscache: Writer reads from replicas (ReadOnly): make that client one of the Readers")
	}
	var err error
	if cache.compressor, err = newCompressor(c.Compressor, c.MaxSize); err != nil {
		return nil, fmt.Errorf("rediscache: %w", err)
	}
	for _, name := range c.OldCompressors {
		switch {
		case name == c.Compressor:
			return nil, fmt.Errorf("rediscache: OldCompressors: %q is the Compressor", name)
		case name == Uncompressed:
			cache.oldUncompressed = true
			continue
		}
		old, err := newCompressor(name, c.MaxSize)
		if err != nil {
			return nil, fmt.Errorf("rediscache: OldCompressors: %w", err)
		}
		cache.oldCompressors = append(cache.oldCompressors, old)
	}
	// Compression makes some values a little longer.
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
		return opError("close", "", err)
	}
	return nil
}

// String returns the writer's address: "redis (10.0.0.5:6379)".
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
