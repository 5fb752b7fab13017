package djangotest

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster is a Redis Cluster of three masters without replicas. Use Pause to lose a node for a while: a node that is
// stopped and started no longer knows the others.
type Cluster struct {
	Nodes []*RedisServer
}

// RedisCluster returns a cluster that is ready to use.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	const masters, slots = 3, 16384
	c := &Cluster{}
	for range masters {
		c.Nodes = append(c.Nodes, RedisWith(t, RedisOptions{cluster: true}))
	}
	for i, node := range c.Nodes {
		command := []string{"CLUSTER", "ADDSLOTS"}
		for slot := i * slots / masters; slot < (i+1)*slots/masters; slot++ {
			command = append(command, strconv.Itoa(slot))
		}
		node.Do(t, command...)
		node.Do(t, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		if i > 0 {
			host, port, _ := strings.Cut(c.Nodes[0].Addr, ":")
			node.Do(t, "CLUSTER", "MEET", host, port)
		}
	}
	for _, node := range c.Nodes {
		await(t, "cluster of "+node.Addr, func() error {
			info := redisInfo(node.Do(t, "CLUSTER", "INFO"))
			if info["cluster_state"] == "ok" && info["cluster_known_nodes"] == strconv.Itoa(masters) {
				return nil
			}
			return fmt.Errorf("state %s, %s nodes known", info["cluster_state"], info["cluster_known_nodes"])
		})
	}
	return c
}

// Addrs are the addresses of the nodes.
func (c *Cluster) Addrs() []string {
	var addrs []string
	for _, node := range c.Nodes {
		addrs = append(addrs, node.Addr)
	}
	return addrs
}

// Django is the entry for CACHES with a cache derived from Django's own, for Django 4.0 and later.
func (c *Cluster) Django() map[string]any {
	return map[string]any{
		"BACKEND":  "cluster_cache.Cache",
		"LOCATION": c.Nodes[0].URL,
		"OPTIONS":  map[string]any{},
	}
}

// DjangoRedis is the entry for CACHES with django-redis.
func (c *Cluster) DjangoRedis() map[string]any {
	return map[string]any{
		"BACKEND":  "django_redis.cache.RedisCache",
		"LOCATION": c.Nodes[0].URL,
		"OPTIONS": map[string]any{
			"CLIENT_CLASS":       "django_redis.client.DefaultClient",
			"CONNECTION_FACTORY": "cluster_cache.ConnectionFactory",
		},
	}
}

// clusterPort returns a free port p such that p+10000 is also free: there a node listens to the other nodes.
func clusterPort() (int, error) {
	const bus, highest = 10000, 65535
	for range 100 {
		l, err := net.Listen("tcp4", hostPort(0))
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if port+bus > highest {
			port -= bus
			if l, err = net.Listen("tcp4", hostPort(port)); err != nil {
				continue
			}
			l.Close()
		}
		if l, err := net.Listen("tcp4", hostPort(port+bus)); err == nil {
			l.Close()
			return port, nil
		}
	}
	return 0, errors.New("no two free ports, 10000 apart")
}

// await repeats try until it returns no error.
func await(t testing.TB, what string, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not ready after %v: %v", what, patience, err)
		}
	}
}

// Sentinel is a Redis master, its replica, and a sentinel that makes the replica the master if the master fails.
type Sentinel struct {
	*Server                 // the sentinel itself; it wants no password
	Name    string          // the sentinel's name for the master
	Servers [2]*RedisServer // both with the same password; at first [0] is the master
}

// RedisSentinel returns a master and a replica with this password ("": none), and a sentinel that knows both.
func RedisSentinel(t testing.TB, password string) *Sentinel {
	t.Helper()
	master := RedisWith(t, RedisOptions{Password: password})
	replica := RedisWith(t, RedisOptions{Password: password, ReplicaOf: master})
	s := &Sentinel{Name: "mymaster", Servers: [2]*RedisServer{master, replica}}
	s.Server = newServer(t, s.recipe(master))
	// By default a sentinel checks the servers every few seconds, and an old master takes writes for four periods. Before
	// Redis 7.0 this cannot be changed, and the tests take longer.
	_, _ = s.try("SENTINEL", "DEBUG", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200")
	await(t, "sentinel "+s.Addr, func() error {
		// it can make the replica the master only after it has asked it, too
		replicas, err := s.try("SENTINEL", "REPLICAS", s.Name)
		if err == nil && !strings.Contains(replicas, "master-link-status\nok") {
			err = errors.New("no replica is known yet")
		}
		return err
	})
	return s
}

// Master returns the current master, as the sentinel sees it.
func (s *Sentinel) Master(t testing.TB) *RedisServer {
	t.Helper()
	master, err := s.master()
	if err != nil {
		t.Fatal(err)
	}
	return master
}

// Failover makes the replica the master, as an administrator would, and returns when both servers have their new roles.
func (s *Sentinel) Failover(t testing.TB) {
	t.Helper()
	old := s.Master(t)
	await(t, "failover", func() error { // refused until the sentinel knows the replica
		_, err := s.try("SENTINEL", "FAILOVER", s.Name)
		return err
	})
	s.AwaitMaster(t, old)
	s.await(t, old, "slave")
}

// AwaitMaster waits for a master other than old, which the test has stopped or paused, and returns it.
func (s *Sentinel) AwaitMaster(t testing.TB, old *RedisServer) *RedisServer {
	t.Helper()
	var master *RedisServer
	await(t, "new master", func() (err error) {
		if master, err = s.master(); err == nil && master == old {
			err = fmt.Errorf("it is %s still", old.Addr)
		}
		return err
	})
	s.await(t, master, "master")
	return master
}

// DjangoRedis is the entry for CACHES with django-redis.
func (s *Sentinel) DjangoRedis() map[string]any {
	host, port, _ := strings.Cut(s.Addr, ":")
	options := map[string]any{
		"CLIENT_CLASS":          "django_redis.client.SentinelClient",
		"CONNECTION_POOL_CLASS": "redis.sentinel.SentinelConnectionPool",
		"CONNECTION_FACTORY":    "django_redis.pool.SentinelConnectionFactory",
		"SENTINELS":             [][2]string{{host, port}},
	}
	if password := s.Servers[0].Password; password != "" {
		options["PASSWORD"] = password
	}
	return map[string]any{
		"BACKEND":  "django_redis.cache.RedisCache",
		"LOCATION": "redis://" + s.Name + "/0", // as one text: it writes to the master, and also reads from the replica
		"OPTIONS":  options,
	}
}

func (s *Sentinel) await(t testing.TB, server *RedisServer, role string) {
	t.Helper()
	await(t, server.Addr+" as "+role, func() error {
		now, err := server.try("ROLE")
		if err == nil && !strings.HasPrefix(now, role) {
			err = fmt.Errorf("it is %s", strings.Fields(now)[0])
		}
		return err
	})
}

func (s *Sentinel) master() (*RedisServer, error) {
	reply, err := s.try("SENTINEL", "GET-MASTER-ADDR-BY-NAME", s.Name)
	if err != nil {
		return nil, err
	}
	addr := strings.ReplaceAll(reply, "\n", ":")
	for _, server := range s.Servers {
		if server.Addr == addr {
			return server, nil
		}
	}
	return nil, fmt.Errorf("sentinel %s: the master is at %q", s.Addr, addr)
}

func (s *Sentinel) try(args ...string) (string, error) {
	c, err := dialRESP(s.Addr, "", nil)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.do(args...)
}

func (s *Sentinel) recipe(master *RedisServer) recipe {
	made := redisRecipe("sentinel", func(dir string, port int) []string {
		host, masterPort, _ := strings.Cut(master.Addr, ":")
		lines := []string{
			"bind " + localhost,
			fmt.Sprint("port ", port),
			"dir " + dir,
			fmt.Sprintf("sentinel monitor %s %s %s 1", s.Name, host, masterPort),
			"sentinel down-after-milliseconds " + s.Name + " 2000",
			"sentinel failover-timeout " + s.Name + " 3000",
		}
		if master.Password != "" {
			lines = append(lines, "sentinel auth-pass "+s.Name+" "+strconv.Quote(master.Password))
		}
		return lines
	}, "--sentinel")
	made.answers = func(s *server) error {
		c, err := dialRESP(hostPort(s.port), "", nil)
		if err != nil {
			return err
		}
		defer c.Close()
		return c.awake(s.pid)
	}
	return made
}
