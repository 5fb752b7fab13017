package storeurl

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/djsess/djsess/djsession/rediscache"
	"github.com/redis/go-redis/v9"
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
)

// openRedis opens redis://host:port/number. Replicas to read from are given as
// options.
func openRedis(u *storeURL, c *openedCache) error {
	number, err := databaseNumber(u.take("db")) // redis-py takes either
	if err == nil && u.path != "" {
		number, err = databaseNumber(u.path)
	}
	if err != nil {
		return err
	}
	var readers []string
	for _, replica := range u.takeAll("replica") {
		name, port, ok := splitHost(replica)
		if !ok {
			return fmt.Errorf("replica %q: want host:port", replica)
		}
		readers = append(readers, host{name, port}.address("localhost", redisPort))
	}
	o, config, err := u.redisOptions(c)
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
		return errors.New("it names no service: redis-sentinel://host,host/service/0")
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
	o, config, err := u.redisOptions(c)
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
	o, config, err := u.redisOptions(c)
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
		return 0, fmt.Errorf("%q is no database number: want redis://host:port/1", text)
	}
	return int(n), nil
}

// addresses are host:port of all hosts.
func (u *storeURL) addresses(port string) []string {
	all := make([]string, len(u.hosts))
	for i, h := range u.hosts {
		all[i] = h.address("localhost", port)
	}
	return all
}

// takeAll returns all options of a name and removes them.
func (u *storeURL) takeAll(name string) []string {
	values := u.options[name]
	u.take(name)
	return values
}
