package storeurl

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// host is where a server listens.
type host struct {
	name string // a socket's path begins with /
	port string // digits, or empty
}

// address returns host:port with these defaults, or a socket's path.
func (h host) address(name, port string) string {
	if strings.HasPrefix(h.name, "/") {
		return h.name
	}
	return net.JoinHostPort(cmp.Or(h.name, name), cmp.Or(h.port, port))
}

// splitHostPort splits a host of a URL, which may be in brackets, from its port.
func splitHostPort(authority string) (host, port string, ok bool) {
	host = authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:i], authority[i+1:]
		if !isPort(port) {
			return "", "", false
		}
	}
	if inner, found := strings.CutPrefix(host, "["); found {
		host, found = strings.CutSuffix(inner, "]")
		return host, port, found && net.ParseIP(host) != nil
	}
	host, err := url.PathUnescape(host)
	return host, port, err == nil && !strings.ContainsAny(host, ": @")
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// hasHost reports whether the URL names a server.
func (u *storeURL) hasHost() bool { return len(u.hosts) > 1 || u.hosts[0] != host{} }

// addresses returns host:port of all hosts.
func (u *storeURL) addresses(port string) []string {
	all := make([]string, len(u.hosts))
	for i, h := range u.hosts {
		all[i] = h.address("localhost", port)
	}
	return all
}
