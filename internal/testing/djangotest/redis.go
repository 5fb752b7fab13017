package djangotest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// RedisServer is a new, empty Redis, described for Django and for djsess.
type RedisServer struct {
	*Server
	URL      string // redis://[:password@]host:port/0, with TLS rediss://
	Socket   string // the path of its Unix socket
	Password string
	TLS      *tls.Config // for a client; nil for plain text
	CAFile   string      // the certificate of its authority, as PEM

	certificate certificate
}

// RedisOptions are the options of RedisWith.
type RedisOptions struct {
	Password  string
	TLS       bool         // in place of plain text, with a certificate for 127.0.0.1 and localhost
	ReplicaOf *RedisServer // its master, with the same TLS; the replica is read-only, and up to date when RedisWith returns
	MaxMemory string       // maxmemory of redis.conf, such as "2mb"; by Redis's default policy a full server refuses writes
	Config    []string     // further lines of redis.conf, such as "maxmemory-policy allkeys-lru"

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
		if o.ReplicaOf != nil && o.ReplicaOf.TLS != nil { // it must trust its master's certificate
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

// Django is the entry for CACHES with Django's own RedisCache, for Django 4.0 and later. Django writes to this server and
// reads from the others. A test may add to it.
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

// DjangoValkey is the entry for CACHES with django-valkey, which is installed for Django 6.0 and later.
func (r *RedisServer) DjangoValkey() map[string]any {
	return map[string]any{
		"BACKEND":  "django_valkey.cache.ValkeyCache",
		"LOCATION": r.location(nil),
		"OPTIONS":  map[string]any{"CONNECTION_POOL_KWARGS": r.poolOptions()},
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

// Do sends a command to the server and returns the reply as text: an array as lines, and nil as "".
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

// feeds reports whether a server sends its writes to this replica.
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

// socket is the file name of a server's Unix socket.
const socket = "s"

func (r *RedisServer) recipe(o RedisOptions) recipe {
	made := redisRecipe("redis", func(dir string, port int) []string { return redisConf(o, r.certificate, dir, port) })
	made.answers = func(s *server) error {
		c, err := dialRESP(hostPort(s.port), r.Password, r.TLS)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.awake(s.pid)
	}
	if o.cluster {
		made.ports = clusterPort
	}
	return made
}

// redisRecipe returns the recipe for a Redis or a sentinel, which is the same program under another name.
func redisRecipe(name string, conf func(dir string, port int) []string, args ...string) recipe {
	return recipe{
		name:     name,
		accounts: []string{"redis", "nobody"},
		signal:   "KILL",
		programs: func() map[string]string {
			return map[string]string{"redis-server": find("redis-server", "/usr/sbin", "/usr/local/sbin")}
		},
		run: func(programs map[string]string, dir string, port int) []string {
			file := filepath.Join(dir, "redis.conf")
			os.WriteFile(file, []byte(strings.Join(conf(dir, port), "\n")+"\n"), 0o666) // If that fails, the server says so.
			os.Chmod(file, 0o666)                                                       // a sentinel writes to it
			return append([]string{programs["redis-server"], file}, args...)
		},
	}
}

func redisConf(o RedisOptions, cert certificate, dir string, port int) []string {
	lines := []string{
		"bind " + localhost,
		"dir " + dir,
		"unixsocket " + filepath.Join(dir, socket),
		"unixsocketperm 777", // the permissions of the folder protect it
		`save ""`,
		"repl-diskless-sync no", // otherwise a replica gets no writes before its first report, a second later
	}
	if o.TLS {
		lines = append(lines, "port 0", "tls-port "+strconv.Itoa(port), "tls-auth-clients no")
		lines = append(lines, cert.install(dir)...)
	} else {
		lines = append(lines, "port "+strconv.Itoa(port))
	}
	if o.Password != "" {
		lines = append(lines, "requirepass "+strconv.Quote(o.Password), "masterauth "+strconv.Quote(o.Password))
	}
	if master := o.ReplicaOf; master != nil {
		host, masterPort, _ := strings.Cut(master.Addr, ":")
		lines = append(lines, "replicaof "+host+" "+masterPort)
		if master.Password != "" {
			lines = append(lines, "masterauth "+strconv.Quote(master.Password))
		}
		if master.TLS != nil {
			lines = append(lines, "tls-replication yes")
		}
	}
	if o.MaxMemory != "" {
		lines = append(lines, "maxmemory "+o.MaxMemory)
	}
	if o.cluster {
		lines = append(lines, "cluster-enabled yes")
	}
	return append(lines, o.Config...)
}

// awake returns an error until the server can be used. A replica can be used when it has its copy. If the port was taken,
// another process answers.
func (c *respConn) awake(pid int) error {
	text, err := c.do("INFO")
	if err != nil {
		return err
	}
	info := redisInfo(text)
	switch {
	case info["process_id"] != strconv.Itoa(pid):
		return fmt.Errorf("another server answers, process %s", info["process_id"])
	case info["role"] == "slave" && info["master_link_status"] != "up":
		return errors.New("replica without its master")
	}
	return nil
}

// redisInfo reads the "name:value" lines that INFO and CLUSTER INFO answer with.
func redisInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}
