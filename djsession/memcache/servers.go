package memcache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/bits"
	"net"
	"runtime"
	"strconv"
	"strings"

	"github.com/bradfitz/gomemcache/memcache"
)

const defaultPort = 11211

// server is a server in LOCATION. It is a net.Addr, so that gomemcache resolves its name for
// each connection.
type server struct {
	network, address string
	node             string // the name that pymemcache hashes
}

func (s *server) Network() string { return s.network }
func (s *server) String() string  { return s.address }

// servers chooses the server of a key as Django's clients do. It is gomemcache's
// ServerSelector.
type servers struct {
	all   []*server
	nodes []string
	hash  Hash
}

func newServers(specs []string, hash Hash) (*servers, error) {
	if len(specs) == 0 {
		return nil, errors.New("no Servers are given: the cache's LOCATION names them")
	}
	if hash < 0 || int(hash) >= len(hashNames) {
		return nil, fmt.Errorf("unknown Hash %d", int(hash))
	}
	s := &servers{hash: hash}
	for _, spec := range specs {
		server, err := parseServer(spec)
		if err != nil {
			return nil, fmt.Errorf("server %q: %w", spec, err)
		}
		s.all = append(s.all, server)
		s.nodes = append(s.nodes, server.node)
	}
	return s, nil
}

// PickServer returns the server of a key. It makes servers a ServerSelector.
func (s *servers) PickServer(key string) (net.Addr, error) { return s.pick(key), nil }

func (s *servers) pick(key string) *server { return s.all[s.hash.choose(s.nodes, key)] }

// Each calls f for every server. It makes servers a ServerSelector.
func (s *servers) Each(f func(net.Addr) error) error {
	for _, server := range s.all {
		if err := f(server); err != nil {
			return err
		}
	}
	return nil
}

// parseServer reads a server as pymemcache does. It refuses spellings that pymemcache accepts
// only by accident.
func parseServer(spec string) (*server, error) {
	path := strings.TrimPrefix(spec, "unix:")
	if path != spec || strings.HasPrefix(path, "/") {
		if !strings.HasPrefix(path, "/") {
			return nil, errors.New("want the whole path of a socket, as unix:/path")
		}
		return &server{network: "unix", address: path, node: path}, nil
	}
	host, port := spec, defaultPort
	if i := strings.LastIndexByte(spec, ':'); i >= 0 && !strings.HasSuffix(spec, "]") {
		n, err := strconv.Atoi(spec[i+1:])
		if err != nil || n < 1 || n > 65535 {
			return nil, errors.New("want host:port")
		}
		host, port = spec[:i], n
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	switch {
	case bracketed && strings.HasSuffix(inner, "]"):
		host = strings.TrimSuffix(inner, "]")
	case strings.Contains(host, ":"):
		return nil, errors.New("want host:port, and an IPv6 address in brackets")
	}
	if host == "" || strings.ContainsAny(host, "[]/ ,;") {
		return nil, errors.New("want host:port, one server each")
	}
	number := strconv.Itoa(port)
	return &server{network: "tcp", address: net.JoinHostPort(host, number), node: host + ":" + number}, nil
}

// Shard returns the address of the server of a key, or "" if there is only one server.
func (c *Cache) Shard(key string) string {
	if len(c.servers.all) == 1 {
		return ""
	}
	return c.servers.pick(key).address
}

// Shards returns the number of servers.
func (c *Cache) Shards() int { return len(c.servers.all) }

// Misplaced returns the address of a server that has a key although the hash chooses
// another server for it, or "". If there is such a server, the site's list of servers or its
// hash may differ from this Cache's.
func (c *Cache) Misplaced(ctx context.Context, key string) (string, error) {
	const op = "look on all servers for"
	if err := checkRead(ctx, key); err != nil {
		return "", opError(op, key, err)
	}
	own := c.servers.pick(key)
	for i, server := range c.servers.all {
		if server == own {
			continue
		}
		_, err := c.each[i].Get(key)
		switch {
		case err == nil:
			return server.address, nil
		case !errors.Is(err, memcache.ErrCacheMiss):
			return "", c.fail(ctx, op, key, err)
		}
	}
	return "", nil
}

// Hash is the way in which a client library chooses one of several servers.
type Hash int

const (
	// PyMemcache is PyMemcacheCache, on pymemcache: rendezvous hashing.
	PyMemcache Hash = iota
	// PyLibMC is PyLibMCCache, on pylibmc, with the default behaviors: no "ketama"
	// and no other hash or distribution in OPTIONS.
	PyLibMC
	// PythonMemcached is MemcachedCache (up to Django 4.0), on python-memcached up to
	// 1.59. Later releases choose another server for one key in 32768, and have no delete
	// that Django could call.
	PythonMemcached
)

var hashNames = [...]string{"pymemcache", "pylibmc", "python-memcached"}

// String returns the name of the library.
func (h Hash) String() string {
	if h < 0 || int(h) >= len(hashNames) {
		return fmt.Sprintf("Hash(%d)", int(h))
	}
	return hashNames[h]
}

// choose returns the index of a key's server. nodes are the servers' names as
// pymemcache writes them.
func (h Hash) choose(nodes []string, key string) int {
	n := len(nodes)
	switch {
	case n == 1:
		return 0
	case h == PyLibMC:
		return int(oneAtATime(key) % uint32(n))
	case h == PythonMemcached:
		return int(max(crc32.ChecksumIEEE([]byte(key))>>16&0x7fff, 1) % uint32(n))
	}
	return rendezvous(nodes, key)
}

// rendezvous returns the server with the highest score for a key. Of two servers with the same
// score it returns the one whose name sorts later.
func rendezvous(nodes []string, key string) int {
	winner, high := 0, uint32(0)
	var buf [320]byte // a key of 250 bytes and most names
	for i, node := range nodes {
		text := appendLowBytes(buf[:0], node)
		text = append(text, '-')
		text = appendLowBytes(text, key)
		score := murmur3(text)
		if i == 0 || score > high || score == high && node > nodes[winner] {
			winner, high = i, score
		}
	}
	return winner
}

// appendLowBytes appends the low byte of every code point. That is what pymemcache's murmur3
// hashes, in place of UTF-8.
func appendLowBytes(dst []byte, text string) []byte {
	for _, r := range text {
		dst = append(dst, byte(r))
	}
	return dst
}

// murmur3 is MurmurHash3_x86_32 with seed 0.
func murmur3(data []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	n := uint32(len(data))
	var h uint32
	for ; len(data) >= 4; data = data[4:] {
		h ^= mix(binary.LittleEndian.Uint32(data))
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	if len(data) > 0 {
		var tail [4]byte
		copy(tail[:], data)
		h ^= mix(binary.LittleEndian.Uint32(tail[:]))
	}
	h ^= n
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// signedChar reports whether C's char is signed, as it is on x86 and on Apple's ARM.
// libmemcached's hash depends on it. The site is assumed to run on the same architecture as Go.
const signedChar = runtime.GOARCH == "amd64" || runtime.GOARCH == "386" || runtime.GOOS == "darwin"

// oneAtATime is Bob Jenkins's hash, libmemcached's default. It adds C's chars, so for keys
// beyond ASCII the result depends on signedChar.
func oneAtATime(key string) uint32 {
	var h uint32
	for i := range len(key) {
		if signedChar {
			h += uint32(int8(key[i]))
		} else {
			h += uint32(key[i])
		}
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return h
}
