package storeurl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/netpeek"
	"github.com/djsess/djsess/internal/waitlimit"
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// openRedis opens redis://host:port/number. Options name the replicas to read from.
func openRedis(u *storeURL, c *openedCache) error {
	number, err := databaseNumber(u.take("db")) // redis-py takes the option, too
	if err == nil && u.path != "" {
		number, err = databaseNumber(u.path)
	}
	if err != nil {
		return err
	}
	var readers []string
	for _, replica := range u.takeAll("replica") {
		name, port, ok := splitHostPort(replica)
		if !ok {
			return fmt.Errorf("replica %q: want host:port", replica)
		}
		readers = append(readers, host{name, port}.address("localhost", redisPort))
	}
	o, config, err := u.redisClient(c)
	if err != nil {
		return err
	}
	o.DB = number
	client := func(address string) redis.UniversalClient {
		one := *o
		one.Addrs = []string{address}
		simple := one.Simple()
		if strings.HasPrefix(address, "/") {
			simple.Network = "unix"
		}
		return redis.NewClient(simple)
	}
	config.Writer = client(u.hosts[0].address("localhost", redisPort))
	for _, address := range readers {
		config.Readers = append(config.Readers, client(address))
	}
	return openRedisCache(config, c)
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

// addresses returns host:port of all hosts.
func (u *storeURL) addresses(port string) []string {
	all := make([]string, len(u.hosts))
	for i, h := range u.hosts {
		all[i] = h.address("localhost", port)
	}
	return all
}

// redisClient takes the options that all Redis URLs have, those of redis-py's URLs among
// them, and returns the options of go-redis and of the cache.
func (u *storeURL) redisClient(c *openedCache) (*redis.UniversalOptions, rediscache.Config, error) {
	config := rediscache.Config{MaxSize: c.config.Settings.MaxPayloadSize}
	fail := func(err error) (*redis.UniversalOptions, rediscache.Config, error) { return nil, config, err }
	o := &redis.UniversalOptions{Username: u.user, Password: u.password, ContextTimeoutEnabled: true,
		DialerRetries: 1, // in all: by default go-redis tries five times
		MaxRetries:    1}
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
		if o.TLSConfig, err = u.tlsConfig(); err != nil {
			return fail(err)
		}
		o.Dialer = dialLiveTLS(o.TLSConfig, o.DialTimeout)
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

// tlsConfig takes redis-py's options for TLS.
func (u *storeURL) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	verify, err := choice(u, "ssl_cert_reqs", map[string]bool{"": true, "required": true, "none": false})
	if err != nil {
		return nil, err
	}
	config.InsecureSkipVerify = !verify
	if file := u.take("ssl_ca_certs"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("ssl_ca_certs: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ssl_ca_certs: no certificate in %s", file)
		}
	}
	certificate, key := u.take("ssl_certfile"), u.take("ssl_keyfile")
	switch {
	case certificate == "" && key == "":
		return config, nil
	case certificate == "":
		return nil, errors.New("ssl_keyfile: ssl_certfile is missing")
	case key == "":
		key = certificate // one file may hold both
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("ssl_certfile: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// redisFormat takes the options that say how the site's client writes values. Only
// django-redis and django-valkey have a serializer or a compressor.
func (u *storeURL) redisFormat(c *openedCache, config *rediscache.Config) error {
	client, err := choice(u, "client", map[string]bool{"": false, "django": false, "django-redis": true, "django-valkey": true})
	if err != nil {
		return err
	}
	compressors := map[string]rediscache.Compressor{"": rediscache.Uncompressed, "none": rediscache.Uncompressed}
	for _, name := range rediscache.Compressors[1:] {
		compressors[string(name)] = name
	}
	if config.Compressor, err = choice(u, "compressor", compressors); err != nil {
		return err
	}
	serializer, err := choice(u, "serializer", map[string]djsession.Serializer{
		"":        nil, // pickle, as the site's Django writes it
		"pickle":  nil,
		"json":    rediscache.JSONSerializer{},
		"msgpack": rediscache.MessagePackSerializer{},
	})
	if err != nil {
		return err
	}
	c.config.Serializer = serializer
	config.DjangoRedis = client || serializer != nil || config.Compressor != rediscache.Uncompressed
	return nil
}

// liveTLS is a TLS connection that lets go-redis detect that the server has closed it. go-redis
// looks at a connection's socket when it takes the connection from its pool, but a *tls.Conn does
// not expose its socket.
type liveTLS struct{ *tls.Conn }

// SyscallConn implements syscall.Conn.
func (c liveTLS) SyscallConn() (syscall.RawConn, error) { return peekedConn(c), nil }

// peekedConn is the syscall.RawConn of a liveTLS. Its Read calls netpeek in place of go-redis's
// function, which must not read TLS records from the socket.
type peekedConn struct{ *tls.Conn }

func (c peekedConn) Read(func(fd uintptr) bool) error {
	if netpeek.Closed(c.Conn) {
		return io.EOF
	}
	return nil
}

func (peekedConn) Write(func(fd uintptr) bool) error { return errors.ErrUnsupported }
func (peekedConn) Control(func(fd uintptr)) error    { return errors.ErrUnsupported }

// dialLiveTLS returns a function for go-redis to connect with.
func dialLiveTLS(config *tls.Config, timeout time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: config}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return liveTLS{conn.(*tls.Conn)}, nil
	}
}
