package memcache

import (
	"fmt"
	"os"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// client is gomemcache's, which would open a connection for each request that comes
// while the others are in use. Here a request waits for one of so many.
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

// slot waits for a connection to the server of a key to be free, and returns what
// gives it back.
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

// Get is gomemcache's.
func (c *client) Get(key string) (*memcache.Item, error) {
	release, err := c.slot(key)
	if err != nil {
		return nil, err
	}
	defer release()
	return c.Client.Get(key)
}

// Add is gomemcache's.
func (c *client) Add(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.Add(item) })
}

// CompareAndSwap is gomemcache's.
func (c *client) CompareAndSwap(item *memcache.Item) error {
	return c.do(item.Key, func() error { return c.Client.CompareAndSwap(item) })
}

// Delete is gomemcache's.
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
