package storeurl

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/djsess/djsess/djsession/dbstore"
)

// storeURL is a parsed URL. Package net/url cannot parse it: it refuses a socket's path as a
// host, and its errors quote the whole text.
type storeURL struct {
	scheme      string // in lower case
	row         *Scheme
	user        string
	password    string
	hasPassword bool
	hosts       []host // at least one, which may be empty
	path        string // without the first /
	options     url.Values
	taken       []string // names of the options that were read, which TestSchemes compares to the table
	given
}

// given is what the caller says about a store besides its URL.
type given struct {
	readOnly bool
	model    *dbstore.Model // nil: that of the URL
}

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

// cutScheme returns the row of a URL's scheme, the scheme's name as it is spelled, and the text
// after ://.
func cutScheme(raw string) (row *Scheme, name, rest string, err error) {
	name, rest, ok := strings.Cut(raw, "://")
	switch {
	case raw == "":
		return nil, "", "", errors.New("store url: it is empty")
	case !ok || !isSchemeName(name):
		return nil, "", "", errors.New(`store url: want scheme://…, such as "postgres://user@host/name" or "sqlite:///db.sqlite3"`)
	}
	if row = schemeNamed(name); row == nil {
		return nil, "", "", fmt.Errorf("store url: unknown scheme %q: want one of %s", strings.ToLower(name), namesOf(func(*Scheme) bool { return true }))
	}
	return row, name, rest, nil
}

// parse parses a URL, and checks that its scheme is known and has its options.
func parse(raw string) (*storeURL, error) {
	row, scheme, rest, err := cutScheme(raw)
	if err != nil {
		return nil, err
	}
	u := &storeURL{scheme: strings.ToLower(scheme), row: row}
	if strings.Contains(rest, "#") {
		return nil, fmt.Errorf("store url %s://…: it has a #, which must be written as %%23", scheme)
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	problem := func(what string) error {
		return fmt.Errorf("store url %s://…: %s (special characters, in a password too, must be percent-encoded)", scheme, what)
	}
	if _, behind, _ := strings.Cut(rest, "/"); !row.IsPath && strings.Contains(behind+query, "@") {
		return nil, problem("there is an @ behind the host")
	}
	if before, _, found := strings.Cut(rest, "&"); found && !row.IsPath && strings.Contains(rest[len(before):], "=") {
		return nil, problem("options begin with a ?, and there is a & before it")
	}
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
	if row.severalHosts {
		texts = strings.Split(authority, ",")
	}
	for _, text := range texts {
		name, port, ok := splitHostPort(text)
		if !ok {
			return nil, problem("broken host or port")
		}
		u.hosts = append(u.hosts, host{name, port})
	}
	// This check comes before that of the options: their names may be part of a password that
	// has a ? in it.
	if row.IsPath && (u.user != "" || u.hasPassword || u.hasHost()) {
		return nil, fmt.Errorf("store url %s: this URL has no host: it is %[2]s:///relative/path or %[2]s:////absolute/path", u, u.scheme)
	}
	if err := u.checkOptions(); err != nil {
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	return u, nil
}

// isSchemeName reports whether a text can be the name of a scheme. Messages quote no other
// text, since it may hold a password.
func isSchemeName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '-')
	}) < 0
}

// splitHostPort splits host:port, whose host may be an IPv6 address in brackets or percent-encoded.
func splitHostPort(authority string) (host, port string, ok bool) {
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

// String returns the URL as messages may show it: without password and options.
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

// hasHost reports whether the URL names a server.
func (u *storeURL) hasHost() bool { return len(u.hosts) > 1 || u.hosts[0] != host{} }

// Resolve returns the URL with its path below a folder, if its path is relative.
func Resolve(rawURL, folder string) string {
	scheme, rest, ok := strings.Cut(rawURL, ":///")
	if !ok || !isPath(scheme) {
		return rawURL
	}
	escaped, query, hasQuery := strings.Cut(rest, "?")
	path, err := url.PathUnescape(escaped)
	if err != nil || path == "" || filepath.IsAbs(path) {
		return rawURL // if the path is wrong, Open returns an error
	}
	path = filepath.ToSlash(filepath.Join(folder, path))
	rawURL = scheme + ":///" + (&url.URL{Path: path}).EscapedPath()
	if hasQuery {
		rawURL += "?" + query
	}
	return rawURL
}

// WithOption returns the URL with one more option.
func WithOption(rawURL, name, value string) string {
	separator := "?"
	if strings.Contains(rawURL, "?") {
		separator = "&"
	}
	return rawURL + separator + name + "=" + url.QueryEscape(value)
}
