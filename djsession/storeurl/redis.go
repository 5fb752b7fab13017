package storeurl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/waitlimit"
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// redisServer is a server that a URL names, with its replicas.
type redisServer struct {
	writer   string
	readers  []string
	database int
}

// openRedis opens redis://host:port/number or unix:///path?db=number.
func openRedis(u *storeURL, c *openedCache) error {
	server, err := u.redisServer()
	if err != nil {
		return err
	}
	o, config, err := u.redisClient(c)
	if err != nil {
		return err
	}
	o.DB = server.database
	client := func(address string) redis.UniversalClient {
		one := *o
		one.Addrs = []string{address}
		simple := one.Simple()
		if strings.HasPrefix(address, "/") {
			simple.Network = "unix"
		}
		return redis.NewClient(simple)
	}
	config.Writer = client(server.writer)
	for _, address := range server.readers {
		config.Readers = append(config.Readers, client(address))
	}
	return openRedisCache(config, c)
}

// redisServer returns the server of a URL. Options name the replicas to read from; as in
// django-environ, hosts behind the first one are replicas, too.
func (u *storeURL) redisServer() (server redisServer, err error) {
	number := u.take("db")
	if u.scheme == "unix" {
		if err = u.checkRedisSocket(); err != nil {
			return server, err
		}
		server.writer = "/" + u.path
	} else {
		if number == "" { // redis-py reads the path only without the option
			number = strings.ReplaceAll(u.path, "/", "")
		}
		if len(u.hosts) > 1 && (u.user != "" || u.hasPassword) {
			return server, fmt.Errorf("there are several hosts, and in django-environ only the first one has the password: write %s://:password@host/1?replica=host:port, with the password for all of them", u.scheme)
		}
		addresses := u.addresses(redisPort)
		server.writer, server.readers = addresses[0], addresses[1:]
	}
	server.database, err = databaseNumber(number)
	switch {
	case err != nil && strings.Contains(u.path, "/") && !u.hasHost():
		return server, fmt.Errorf("%w; a socket is unix:///%s?db=1", err, u.path)
	case err != nil && number == strings.ReplaceAll(u.path, "/", ""):
		return server, fmt.Errorf("%w; redis-py takes it for 0: write %s://host:port/0", err, u.scheme)
	case err != nil:
		return server, err
	}
	for _, replica := range u.takeAll("replica") {
		name, port, ok := splitHostPort(replica)
		if !ok {
			return server, fmt.Errorf("replica %q: want host:port", replica)
		}
		server.readers = append(server.readers, host{name, port}.address("localhost", redisPort))
	}
	return server, nil
}

// checkRedisSocket returns an error for a URL that names no socket.
func (u *storeURL) checkRedisSocket() error {
	switch {
	case u.hasHost():
		return fmt.Errorf("a socket has no host, and redis-py ignores it: write unix:///%s/%s", u.hosts[0].name, u.path)
	case u.path == "":
		return errors.New("the URL names no socket: unix:///path?db=1")
	}
	return nil
}

// openRedisSentinel opens redis-sentinel://sentinel,sentinel/service/number.
func openRedisSentinel(u *storeURL, c *openedCache) error {
	service, text, _ := strings.Cut(u.path, "/")
	if service == "" {
		return errors.New("the URL names no service: redis-sentinel://host,host/service/0")
	}
	number, err := databaseNumber(text)
	if err != nil {
		return err
	}
	replicas, err := choice(u, "replicas", map[string]bool{"": false, "0": false, "1": true})
	if err != nil {
		return err
	}
	user, password := u.take("sentinel_username"), u.take("sentinel_password")
	o, config, err := u.redisClient(c)
	if err != nil {
		return err
	}
	o.DB, o.MasterName, o.Addrs = number, service, u.addresses(sentinelPort)
	o.SentinelUsername, o.SentinelPassword = user, password
	config.Writer = redis.NewFailoverClient(o.Failover())
	config.Address = service + " by Sentinel " + strings.Join(o.Addrs, ", ")
	if replicas {
		f := o.Failover()
		f.ReplicaOnly = true
		config.Readers = []redis.UniversalClient{redis.NewFailoverClient(f)}
	}
	return openRedisCache(config, c)
}

// openRedisCluster opens redis-cluster://host,host.
func openRedisCluster(u *storeURL, c *openedCache) error {
	if number, err := databaseNumber(u.path); err != nil || number != 0 {
		return errors.New("a Redis Cluster has one database, number 0: redis-cluster://host,host")
	}
	o, config, err := u.redisClient(c)
	if err != nil {
		return err
	}
	o.Addrs = u.addresses(redisPort)
	config.Writer = redis.NewClusterClient(o.Cluster())
	return openRedisCache(config, c)
}

func openRedisCache(config rediscache.Config, c *openedCache) error {
	cache, err := rediscache.New(config)
	if err != nil {
		config.Writer.Close()
		for _, reader := range config.Readers {
			reader.Close()
		}
		return err
	}
	c.cache = cache
	return nil
}

func databaseNumber(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no database number: want one such as redis://host:port/1", text)
	}
	return int(n), nil
}

// redisClient takes the options that all Redis URLs have, those of redis-py's URLs among
// them, and returns the options of go-redis and of the cache.
func (u *storeURL) redisClient(c *openedCache) (*redis.UniversalOptions, rediscache.Config, error) {
	config := rediscache.Config{MaxSize: c.config.Settings.MaxPayloadSize}
	fail := func(err error) (*redis.UniversalOptions, rediscache.Config, error) { return nil, config, err }
	// As in redis-py, the URL's own user and password go before those of the options.
	u.user, u.password = cmp.Or(u.user, u.take("username")), cmp.Or(u.password, u.take("password"))
	o := &redis.UniversalOptions{Username: u.user, Password: u.password, ContextTimeoutEnabled: true,
		DialerRetries: 1, // in all: by default go-redis tries five times
		MaxRetries:    1}
	if u.newPassword != nil {
		o.CredentialsProviderContext = func(ctx context.Context) (string, string, error) {
			password, err := u.newPassword(ctx)
			return u.user, password, err
		}
	}
	var err error
	if err = u.redisPool(o); err != nil {
		return fail(err)
	}
	if config.Timeout, err = u.seconds("load_timeout"); err != nil {
		return fail(err)
	}
	for _, timeout := range []struct {
		name  string
		value *time.Duration
	}{{"socket_timeout", &o.ReadTimeout}, {"socket_connect_timeout", &o.DialTimeout}} {
		switch d, err := u.seconds(timeout.name); {
		case err != nil:
			return fail(err)
		case d > 0:
			*timeout.value = d
		}
	}
	o.WriteTimeout = o.ReadTimeout
	if config.Timeout == 0 {
		config.Timeout = max(waitlimit.Default, o.DialTimeout, o.ReadTimeout)
	}
	if o.DialTimeout == 0 { // go-redis dials with this limit, and ignores the context's
		o.DialTimeout = min(waitlimit.Default, config.Timeout)
	}
	o.PoolTimeout = config.Timeout
	if err := u.redisFormat(c, &config); err != nil {
		return fail(err)
	}
	if u.row.tls {
		if o.TLSConfig, err = u.redisTLS(); err != nil {
			return fail(err)
		}
		o.Dialer = u.dialLiveTLS(o.TLSConfig, o.DialTimeout)
	}
	return o, config, nil
}

// redisPool takes the options of the pool. redis-py's name for max_open_conns is
// max_connections.
func (u *storeURL) redisPool(o *redis.UniversalOptions) error {
	if most := u.takeAll("max_connections"); most != nil {
		if u.options.Has("max_open_conns") {
			return errors.New("max_connections and max_open_conns are the same option: give only one of them")
		}
		u.options["max_open_conns"] = most
	}
	p, err := u.pool()
	if err != nil {
		return err
	}
	o.PoolSize, o.MaxIdleConns, o.ConnMaxIdleTime = p.open, p.idle, idleTime
	o.PipelinePoolSize = -1 // otherwise go-redis opens a second pool, for pipelines
	return nil
}

// redisFormat takes the options that say how the site's client writes values. Only
// django-redis and django-valkey have a serializer or a compressor.
func (u *storeURL) redisFormat(c *openedCache, config *rediscache.Config) error {
	// Only a site with django-valkey has these schemes.
	client, err := choice(u, "client", map[string]bool{"": strings.HasPrefix(u.scheme, "valkey"), "django": false, "django-redis": true, "django-valkey": true})
	if err != nil {
		return err
	}
	// django-environ's name for the same.
	class, err := choice(u, "client_class", map[string]bool{"": false, "django_redis.client.DefaultClient": true, "django_valkey.client.DefaultClient": true})
	if err != nil {
		return err
	}
	client = client || class
	compressors := map[string]rediscache.Compressor{"none": rediscache.Uncompressed}
	for _, name := range rediscache.Compressors[1:] {
		compressors[string(name)] = name
	}
	names, err := choices(u, "compressor", compressors)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		config.Compressor, config.OldCompressors = names[0], names[1:]
	}
	var pickle djsession.Serializer = c.config.Settings.PickleSerializer()
	serializers, err := choices(u, "serializer", map[string]djsession.Serializer{
		"pickle":  pickle,
		"json":    rediscache.JSONSerializer{},
		"msgpack": rediscache.MessagePackSerializer{},
	})
	if err != nil {
		return err
	}
	switch len(serializers) {
	case 0: // pickle, as the site's Django writes it
	case 1:
		c.config.Serializer = serializers[0]
	default:
		c.config.Serializer = djsession.Serializers(serializers)
	}
	config.DjangoRedis = client || slices.ContainsFunc(serializers, func(s djsession.Serializer) bool { return s != pickle }) ||
		slices.ContainsFunc(names, func(name rediscache.Compressor) bool { return name != rediscache.Uncompressed })
	if c.environPrefix && !config.DjangoRedis {
		return errors.New("key_prefix is without effect on Django's own client if django-environ reads it: write prefix= if settings.CACHES has a KEY_PREFIX, and client=django-redis if the site uses that")
	}
	return nil
}
