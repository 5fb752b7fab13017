package djangotest

import (
	"crypto/tls"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// RedisServer is a fresh, empty Redis, as Django and as djsess are told about it.
type RedisServer struct {
	*Server
	URL      string // redis://[:password@]host:port/0, with TLS rediss://
	Socket   string // the path of its Unix socket
	Password string
	TLS      *tls.Config // for a client; nil: it speaks plain text
	CAFile   string      // what signed its certificate, as PEM

	certificate certificate
}

// RedisOptions are what makes a Redis other than most.
type RedisOptions struct {
	Password  string
	TLS       bool         // by TLS and not in plain text, with a certificate for 127.0.0.1 and localhost
	ReplicaOf *RedisServer // it copies this one, takes no writes, and is up to date when RedisWith returns; both with TLS or neither
	MaxMemory string       // as redis.conf has it, "2mb"; what does not fit is refused: Redis's default policy is noeviction
	Config    []string     // more lines of redis.conf: "maxmemory-policy allkeys-lru"

	cluster bool
}

// Redis returns a server without password, in plain text.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return RedisWith(t, RedisOptions{})
}

// RedisWith returns a server with options.
func RedisWith(t testing.TB, o RedisOptions) *RedisServer {
	t.Helper()
	r := &RedisServer{Password: o.Password}
	address := url.URL{Scheme: "redis", Path: "/0"}
	if o.TLS {
		address.Scheme = "rediss"
		if o.ReplicaOf != nil && o.ReplicaOf.TLS != nil { // It must believe its master.
			r.certificate = o.ReplicaOf.certificate
		} else {
			r.certificate = newCertificate(t)
		}
		r.TLS, r.CAFile = r.certificate.client, r.certificate.caFile
	}
	r.Server = newServer(t, r.recipe(o))
	r.Socket = filepath.Join(r.dir, socket)
	address.Host = r.Addr
	if o.Password != "" {
		address.User = url.UserPassword("", o.Password)
	}
	r.URL = address.String()
	if o.ReplicaOf != nil {
		await(t, "replica "+r.Addr, func() error { return o.ReplicaOf.feeds(r) })
	}
	return r
}

// Django is the entry for CACHES with Django's own RedisCache, which is there from 4.0 on. The server is the one that is
// written to, the others are read from. A test may add to it.
func (r *RedisServer) Django(readers ...*RedisServer) map[string]any {
	return map[string]any{
		"BACKEND":  "django.core.cache.backends.redis.RedisCache",
		"LOCATION": r.location(readers),
		"OPTIONS":  r.poolOptions(),
	}
}

// DjangoRedis is the entry for CACHES with django-redis.
func (r *RedisServer) DjangoRedis(readers ...*RedisServer) map[string]any {
	return map[string]any{
		"BACKEND":  "django_redis.cache.RedisCache",
		"LOCATION": r.location(readers),
		"OPTIONS": map[string]any{
			"CLIENT_CLASS":           "django_redis.client.DefaultClient",
			"CONNECTION_POOL_KWARGS": r.poolOptions(),
		},
	}
}

func (r *RedisServer) location(readers []*RedisServer) []string {
	urls := []string{r.URL}
	for _, reader := range readers {
		urls = append(urls, reader.URL)
	}
	return urls
}

func (r *RedisServer) poolOptions() map[string]any {
	if r.TLS == nil {
		return map[string]any{}
	}
	return map[string]any{"ssl_ca_certs": r.CAFile}
}

// Do sends the server a command and returns the reply as text: the elements of an array by lines, nothing for a nil.
func (r *RedisServer) Do(t testing.TB, args ...string) string {
	t.Helper()
	reply, err := r.try(args...)
	if err != nil {
		t.Fatalf("redis %s: %s: %v", r.Addr, strings.Join(args, " "), err)
	}
	return reply
}

func (r *RedisServer) try(args ...string) (string, error) {
	c, err := dialRESP(r.Addr, r.Password, r.TLS)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.do(args...)
}

// feeds tells whether a server sends its writes to this replica.
func (r *RedisServer) feeds(replica *RedisServer) error {
	info, err := r.try("INFO", "replication")
	if err != nil {
		return err
	}
	if port := fmt.Sprintf(",port=%d,state=online,", replica.port); !strings.Contains(info, port) {
		return fmt.Errorf("not fed by %s", r.Addr)
	}
	return nil
}
