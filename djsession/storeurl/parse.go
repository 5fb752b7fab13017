package storeurl

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// storeURL is a URL taken apart. The url package does not serve: it refuses a
// socket's path for a host, and its errors quote the whole text.
type storeURL struct {
	scheme      string
	user        string
	password    string
	hasPassword bool
	hosts       []host // at least one, which may be empty
	path        string // without the first /
	options     url.Values
	taken       []string // names of options that were asked for
	readOnly    bool
}

// host is where a server listens.
type host struct {
	name string // a socket's path begins with /
	port string // digits, or empty
}

// address is host:port, or a socket's path.
func (h host) address(name, port string) string {
	if strings.HasPrefix(h.name, "/") {
		return h.name
	}
	return net.JoinHostPort(or(h.name, name), or(h.port, port))
}

func parse(raw string) (*storeURL, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !isScheme(scheme) {
		if raw == "" {
			return nil, errors.New("store url: it is empty")
		}
		return nil, errors.New(`store url: want scheme://…, such as "postgres://user@host/name" or "sqlite:///db.sqlite3"`)
	}
	u := &storeURL{scheme: strings.ToLower(scheme)}
	if strings.Contains(rest, "#") {
		return nil, fmt.Errorf("store url %s://…: it holds a #, which must be written %%23", scheme)
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	problem := func(what string) error {
		return fmt.Errorf("store url %s://…: %s (special characters, in a password too, must be percent-encoded)", scheme, what)
	}
	if _, behind, _ := strings.Cut(rest, "/"); !isPath(u.scheme) && strings.Contains(behind+query, "@") {
		return nil, problem("there is an @ behind the host")
	}
	if before, _, found := strings.Cut(rest, "&"); found && !isPath(u.scheme) && strings.Contains(rest[len(before):], "=") {
		return nil, problem("options begin with a ?, and there is a & before it")
	}
	var err error
	if u.options, err = url.ParseQuery(query); err != nil {
		return nil, problem("broken options")
	}
	for _, name := range djangoOnly {
		delete(u.options, name)
	}
	if name := u.misplacedPEM(); name != "" {
		return nil, problem("the option " + name + " holds a key or a certificate, and not the name of its file")
	}
	if u.path, err = url.PathUnescape(path); err != nil {
		return nil, problem("broken path")
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		var user, password string
		user, password, u.hasPassword = strings.Cut(authority[:i], ":")
		if u.user, err = url.PathUnescape(user); err != nil {
			return nil, problem("broken user name")
		}
		if u.password, err = url.PathUnescape(password); err != nil {
			return nil, problem("broken password")
		}
		authority = authority[i+1:]
	}
	texts := []string{authority}
	if hasSeveralHosts(u.scheme) {
		texts = strings.Split(authority, ",")
	}
	for _, text := range texts {
		var h host
		if h.name, h.port, ok = splitHost(text); !ok {
			return nil, problem("broken host or port")
		}
		u.hosts = append(u.hosts, h)
	}
	return u, nil
}

// isScheme keeps what only looks like one, and may hold a password, from being
// quoted.
func isScheme(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '-')
	}) < 0
}

func splitHost(authority string) (host, port string, ok bool) {
	host = authority
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, port = authority[:i], authority[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
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

// String is the URL as messages may show it: without password and options.
func (u *storeURL) String() string {
	var b strings.Builder
	b.WriteString(u.scheme + "://")
	if u.user != "" {
		b.WriteString(url.PathEscape(u.user) + "@")
	}
	for i, h := range u.hosts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(url.PathEscape(h.name))
		if h.port != "" {
			b.WriteString(":" + h.port)
		}
	}
	if u.path != "" || !u.hasHost() {
		b.WriteString("/" + u.path)
	}
	return b.String()
}

// hasHost tells whether the URL names a server at all.
func (u *storeURL) hasHost() bool { return len(u.hosts) > 1 || u.hosts[0] != host{} }

// take returns an option and removes it; the last one of a name counts.
func (u *storeURL) take(name string) string {
	u.taken = append(u.taken, name)
	values := u.options[name]
	delete(u.options, name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// onlyKnown is an error for options that are left and are not known, to whom they
// would belong.
func (u *storeURL) onlyKnown(whose string, known []string) error {
	for _, name := range slices.Sorted(maps.Keys(u.options)) {
		if !slices.Contains(known, name) {
			all := strings.Join(u.taken, ", ")
			if len(known) > 0 {
				all += ", and " + whose + " " + strings.Join(known, ", ")
			}
			return fmt.Errorf("unknown option %q: there are %s", name, all)
		}
	}
	return nil
}
