package memcache

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

const defaultPort = 11211

// server is one of LOCATION, and a net.Addr: gomemcache connects to what that says,
// and a name is looked up at each connection.
type server struct {
	network, address string
	node             string // the name that pymemcache hashes
}

func (s *server) Network() string { return s.network }
func (s *server) String() string  { return s.address }

// servers is a gomemcache ServerSelector that chooses as Django's clients do.
type servers struct {
	all   []*server
	nodes []string
	hash  Hash
}

func newServers(specs []string, hash Hash) (*servers, error) {
	if len(specs) == 0 {
		return nil, errors.New("the site's LOCATION, Servers, is missing")
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

// PickServer makes servers a ServerSelector.
func (s *servers) PickServer(key string) (net.Addr, error) { return s.pick(key), nil }

func (s *servers) pick(key string) *server { return s.all[s.hash.choose(s.nodes, key)] }

// Each makes servers a ServerSelector.
func (s *servers) Each(f func(net.Addr) error) error {
	for _, server := range s.all {
		if err := f(server); err != nil {
			return err
		}
	}
	return nil
}

// parseServer reads a server as pymemcache does, but for what it takes by accident.
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
