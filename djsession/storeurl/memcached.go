package storeurl

import (
	"errors"

	"github.com/djsess/djsess/djsession/memcache"
)

// openMemcached opens memcached://host:port,host:port. For some of the hashes the order of
// the servers must be that of LOCATION.
func openMemcached(u *storeURL, c *openedCache) error {
	if u.path != "" && !u.hasHost() { // django-environ's memcache:///path
		u.hosts, u.path = []host{{name: "/" + u.path}}, ""
	}
	if u.user != "" || u.hasPassword || u.path != "" {
		return errors.New("a Memcached has neither users nor databases: memcached://host:port,host:port")
	}
	config := memcache.Config{MaxSize: c.config.Settings.MaxPayloadSize, ReadOnly: u.readOnly}
	for _, h := range u.hosts {
		config.Servers = append(config.Servers, h.address("localhost", "11211"))
	}
	var err error
	if config.Hash, err = choice(u, "hash", map[string]memcache.Hash{
		"":                 schemeHash(u.scheme),
		"pymemcache":       memcache.PyMemcache,
		"pylibmc":          memcache.PyLibMC,
		"python-memcached": memcache.PythonMemcached,
	}); err != nil {
		return err
	}
	if u.scheme == "memcached" {
		if config.Timeout, err = u.seconds("timeout"); err != nil {
			return err
		}
	} else {
		u.take("timeout") // django-environ's TIMEOUT, which does not count for sessions
	}
	if config.MaxConns, err = u.conns("max_open_conns", defaultMaxConns); err != nil {
		return err
	}
	if config.MaxItemSize, err = u.number("max_item_size", memcache.DefaultMaxItemSize); err != nil {
		return err
	}
	cache, err := memcache.New(config)
	if err != nil {
		return err
	}
	c.cache = cache
	return nil
}

// schemeHash returns the hash of a scheme, of which django-environ has one for each client.
func schemeHash(scheme string) memcache.Hash {
	switch scheme {
	case "memcache":
		return memcache.PythonMemcached
	case "pylibmc":
		return memcache.PyLibMC
	}
	return memcache.PyMemcache
}
