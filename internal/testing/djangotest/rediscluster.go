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

// Cluster is a Redis Cluster of three masters without replicas. A node that is stopped and started has forgotten the
// others: Pause is the way to lose one for a while.
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

// clusterPort finds a port p such that p+10000 is free too: there a node listens to the others.
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

// await tries until there is no error.
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
