package memcache

import (
	"fmt"
	"os"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// client limits the connections of gomemcache's client, which opens another one for each
// request that finds all in use. Here such a request waits.
type client struct {
	*memcache.Client
	servers *servers
	slots   map[string]chan struct{} // of each server: one for each connection
}

func newClient(s *servers, timeout time.Duration, conns int) *client {
	c := &client{Client: memcache.NewFromSelector(s), servers: s, slots: map[string]chan struct{}{}}
	c.Timeout, c.MaxIdleConns = timeout, conns
	for _, server := range s.all {
		c.slots[server.address] = make(chan struct{}, conns)
	}
	return c
}

// busyError: all connections to a server were in use until the timeout.
type busyError struct {
	server string
	conns  int
}

func (e *busyError) Error() string {
	return fmt.Sprintf("%s: all %d connections are busy: %v", e.server, e.conns, os.ErrDeadlineExceeded)
}

func (*busyError) Unwrap() error { return os.ErrDeadlineExceeded }

// slot waits until a connection to the server of a key is free, and takes it. The caller
// must call release to give it back.
func (c *client) slot(key string) (release func(), err error) {
	address := c.servers.pick(key).address
	slots := c.slots[address]
	release = func() { <-slots }
	select {
	case slots <- struct{}{}:
		return release, nil
	default:
	}
	timer := time.NewTimer(c.Timeout)
	defer timer.Stop()
	select {
	case slots <- struct{}{}:
		return release, nil
	case <-timer.C:
		return nil, &busyError{address, cap(slots)}
	}
}

// Get calls gomemcache's Get when a connection is free.
func (c *client) Get(key string) (*memcache.Item, error) {
	release, err := c.slot(key)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.Client.Get(key)
}

// Add calls gomemcache's Add when a connection is free.
func (c *client) Add(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.Add(item) })
}

// CompareAndSwap calls gomemcache's CompareAndSwap when a connection is free.
func (c *client) CompareAndSwap(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.CompareAndSwap(item) })
}

// Delete calls gomemcache's Delete when a connection is free.
func (c *client) Delete(key string) error {
	return c.do(key, func() error { return c.Client.Delete(key) })
}

func (c *client) do(key string, request func() error) error {
	release, err := c.slot(key)
	if err != nil {
		return err
	}
	defer release()
	return request()
}
