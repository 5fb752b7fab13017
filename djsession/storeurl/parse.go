package storeurl

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
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
	readOnly      bool
	model         *dbstore.Model // nil: that of the URL
	newPassword   passwordFunc   // nil: that of the URL
	cachePassword passwordFunc   // of the cache of a cached_db
}

// cutScheme returns the row of a URL's scheme, the scheme's name as it is spelled, and the text
// after ://.
func cutScheme(raw string) (row *Scheme, name, rest string, err error) {
	if raw == "" {
		return nil, "", "", errors.New("store url: it is empty")
	}
	if err := checkEnds(raw); err != nil {
		return nil, "", "", err
	}
	name, rest, ok := strings.Cut(raw, "://")
	if !ok || !isSchemeName(name) {
		return nil, "", "", errors.New(`store url: want scheme://…, such as "postgres://user@host/name" or "sqlite:///db.sqlite3"`)
	}
	if row = schemeNamed(name); row == nil {
		return nil, "", "", unknownScheme(strings.ToLower(name))
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
	problem := func(what string) error {
		return fmt.Errorf("store url %s://…: %s (special characters, in a password too, must be percent-encoded)", scheme, what)
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if what := row.misplaced(rest, path, query); what != "" {
		return nil, problem(what)
	}
	if u.options, err = parseQuery(query); err != nil {
		return nil, problem("broken options")
	}
	u.dropIgnored()
	if name := u.misplacedPEM(); name != "" {
		return nil, problem("the option " + name + " holds a key or a certificate, and not the name of its file")
	}
	if u.path, err = unquote(path); err != nil {
		return nil, problem("broken path")
	}
	if row.IsPath && authority != "" {
		return nil, u.hostBeforePath(authority)
	}
	if what := u.parseAuthority(authority); what != "" {
		return nil, problem(what)
	}
	u.moveSocket()
	if err := u.checkOptions(); err != nil {
		return nil, fmt.Errorf("store url %s: %w", u, err)
	}
	return u, nil
}

// misplaced returns what shows that a special character was not percent-encoded, or "".
func (row *Scheme) misplaced(rest, path, query string) string {
	if strings.Contains(rest+query, "#") {
		return "it has a #, which must be written as %23"
	}
	if row.severalHosts && anotherURL.MatchString(rest) {
		return "there are several URLs: write one, with commas between its hosts"
	}
	if row.IsPath {
		return ""
	}
	if strings.Contains(path+query, "@") {
		return "there is an @ behind the host, which must be written as %40"
	}
	if before, _, found := strings.Cut(rest, "&"); found && strings.Contains(rest[len(before):], "=") {
		return "options begin with a ?, and there is a & before it"
	}
	return ""
}

// anotherURL finds the second URL of a LOCATION that has several.
var anotherURL = regexp.MustCompile(`[,;][a-z]+://`)

// parseAuthority parses user:password@host:port. It returns what is wrong, or "".
func (u *storeURL) parseAuthority(authority string) (wrong string) {
	var err error
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		var user, password string
		user, password, u.hasPassword = strings.Cut(authority[:i], ":")
		if u.user, err = unquote(user); err != nil {
			return "broken user name"
		}
		if u.password, err = unquote(password); err != nil {
			return "broken password"
		}
		authority = authority[i+1:]
	}
	texts := []string{authority}
	if u.row.severalHosts {
		texts = strings.Split(authority, ",")
	}
	for _, text := range texts {
		name, port, ok := splitHostPort(text)
		if !ok {
			return "broken host or port"
		}
		u.hosts = append(u.hosts, host{name, port})
	}
	return ""
}

// moveSocket makes the path of a socket a host. django-environ reads
// postgres:////var/run/postgresql/name and mysql:////cloudsql/project:region:instance/name so.
func (u *storeURL) moveSocket() {
	i := strings.LastIndexByte(u.path, '/')
	if !strings.HasPrefix(u.path, "/") || u.row.socketBefore == nil || u.hosts[0].name != "" || !u.row.socketBefore(u.path) {
		return
	}
	u.hosts[0].name, u.path = u.path[:i], u.path[i+1:]
}

// hostBeforePath returns the error for the URL of a path that has a host. Django's tools ignore the
// host.
func (u *storeURL) hostBeforePath(authority string) error {
	err := fmt.Errorf("store url %s://…: this URL has no host: it is %[1]s:///relative/path or %[1]s:////absolute/path", u.scheme)
	switch {
	case u.row.database == nil || strings.Contains(authority+u.path, "@"):
		return err
	case u.path == "":
		return fmt.Errorf("%w. Django's tools take this for a database in memory", err)
	}
	return fmt.Errorf("%w. Django's tools ignore the host, and open %q", err, u.path)
}

// isSchemeName reports whether a text can be the name of a scheme. Messages quote no other
// text, since it may hold a password.
func isSchemeName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '-')
	}) < 0
}

// splitHostPort splits host:port, whose host may be an IPv6 address in brackets or percent-encoded.
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
