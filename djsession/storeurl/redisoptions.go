package storeurl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/djsess/djsess/internal/waitlimit"
	"github.com/redis/go-redis/v9"
)

// redisOptions takes the options that all Redis URLs have, those of redis-py's URLs
// among them, and leaves none.
func (u *storeURL) redisOptions(c *openedCache) (*redis.UniversalOptions, rediscache.Config, error) {
	config := rediscache.Config{MaxSize: c.config.Settings.MaxPayloadSize}
	fail := func(err error) (*redis.UniversalOptions, rediscache.Config, error) { return nil, config, err }
	o := &redis.UniversalOptions{Username: u.user, Password: u.password, ContextTimeoutEnabled: true,
		DialTimeout: waitlimit.Default, DialerRetries: 1, // in all: by default go-redis tries five times
		MaxRetries: 1}
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
	o.PoolTimeout = config.Timeout
	if err := u.redisFormat(c, &config); err != nil {
		return fail(err)
	}
	if strings.HasPrefix(u.scheme, "rediss") {
		if o.TLSConfig, err = u.tlsConfig(); err != nil {
			return fail(err)
		}
		o.Dialer = dialLiveTLS(o.TLSConfig, o.DialTimeout)
	}
	return o, config, u.onlyKnown("", nil)
}

// redisPool takes the options of the pool. redis-py's name for max_open_conns is
// max_connections.
func (u *storeURL) redisPool(o *redis.UniversalOptions) error {
	if most, ok := u.options["max_connections"]; ok {
		if u.options.Has("max_open_conns") {
			return errors.New("max_connections and max_open_conns are the same option: give only one of them")
		}
		u.options["max_open_conns"] = most
		u.take("max_connections")
	}
	p, err := u.pool()
	if err != nil {
		return err
	}
	o.PoolSize, o.MaxIdleConns, o.ConnMaxIdleTime = p.open, p.idle, idleTime
	o.PipelinePoolSize = -1 // else go-redis makes a second pool, for pipelines
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

// redisFormat takes how the site's client writes values. A serializer or compressor
// is what only django-redis has.
func (u *storeURL) redisFormat(c *openedCache, config *rediscache.Config) error {
	client, err := choice(u, "client", map[string]bool{"": false, "django": false, "django-redis": true})
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
