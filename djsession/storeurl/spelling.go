package storeurl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkEnds returns an error for what people copy along with a URL: quotes, spaces and newlines.
// It names them, and nothing of the URL, which may hold a password.
func checkEnds(raw string) error {
	first, _ := utf8.DecodeRuneInString(raw)
	last, _ := utf8.DecodeLastRuneInString(raw)
	for _, end := range []struct {
		char rune
		verb string
	}{{first, "begins"}, {last, "ends"}} {
		if name := nameOfStray(end.char); name != "" {
			return fmt.Errorf("store url: it %s with %s: write it without", end.verb, name)
		}
	}
	if strings.ContainsAny(raw, "\r\n\t") {
		return errors.New("store url: there is a newline or a tab inside of it: write it without")
	}
	return nil
}

// nameOfStray names a character that is at neither end of a URL. The name is "" for others.
func nameOfStray(char rune) string {
	switch {
	case strings.ContainsRune("'\"`‘’“”", char):
		return fmt.Sprintf("a quote (%c)", char)
	case char == '\n', char == '\r':
		return "a newline"
	case char == '\ufeff':
		return "a byte order mark"
	case unicode.IsSpace(char):
		return "a space"
	}
	return ""
}

// unknownScheme returns the error for a scheme that is not in the table.
func unknownScheme(name string) error {
	if hint, ok := otherSchemes[name]; ok {
		return fmt.Errorf("store url: unknown scheme %q: %s", name, hint)
	}
	// SQLAlchemy's postgresql+psycopg2, and the like.
	if base, _, found := strings.Cut(name, "+"); found && schemeNamed(base) != nil {
		return fmt.Errorf("store url: unknown scheme %q: write %s://…", name, base)
	}
	return fmt.Errorf("store url: unknown scheme %q: want one of %s", name, namesOf(func(*Scheme) bool { return true }))
}

// otherSchemes are schemes that tools of Django's world read and this package does not, with what to
// write in their place.
var otherSchemes = map[string]string{
	"sqlite3":      "write sqlite:///relative/path or sqlite:////absolute/path",
	"dbcache":      "the URL must name the database, too: write dbcache+postgres://user@host/name?table=… (or dbcache+mysql, dbcache+sqlite)",
	"redis+socket": "write unix:///path/of/the/socket?db=0",
	"redis+unix":   "write unix:///path/of/the/socket?db=0",
	"sentinel":     "write redis-sentinel://host,host/service/0",
	"locmemcache":  "Django keeps this cache inside of its own process, where no other program can read it",
	"dummycache":   "Django's DummyCache keeps nothing",
	"oracle":       "Oracle is not supported",
	"oraclegis":    "Oracle is not supported",
	"mssql":        "SQL Server is not supported",
	"mssqlms":      "SQL Server is not supported",
	"pyodbc":       "SQL Server is not supported",
	"redshift":     "Redshift is not supported",
	"cockroach":    "CockroachDB is not supported",
	"cockroachdb":  "CockroachDB is not supported",
}

// sameOptions are options of other tools, in plain letters, with the options that mean the same here.
var sameOptions = map[string][]string{
	"schema":      {"currentSchema"},
	"ssl":         {"sslmode", "ssl_mode"},
	"tls":         {"sslmode", "ssl_mode"},
	"sslca":       {"sslrootcert", "ssl-ca", "ssl_ca_certs"},
	"sslcafile":   {"sslrootcert", "ssl-ca", "ssl_ca_certs"},
	"sslcacerts":  {"sslrootcert", "ssl-ca", "ssl_ca_certs"},
	"sslrootcert": {"sslrootcert", "ssl-ca", "ssl_ca_certs"},
	"sslcert":     {"sslcert", "ssl_certfile"},
	"sslcertfile": {"sslcert", "ssl_certfile"},
	"sslkey":      {"sslkey", "ssl_keyfile"},
	"sslkeyfile":  {"sslkey", "ssl_keyfile"},
	"user":        {"username"},
	"keyprefix":   {"prefix"},
	"maxconns":    {"max_open_conns"},
	"poolsize":    {"max_open_conns"},
}

// otherPlaces are options, in plain letters, for which a URL has another place or none.
var otherPlaces = map[string]string{
	"host":            "the host after the user: scheme://user@host/name",
	"port":            "the port after the host: scheme://user@host:port/name",
	"user":            "the user before the host: scheme://user@host/name",
	"username":        "the user before the host: scheme://user@host/name",
	"password":        "the password after the user: scheme://user:password@host/name",
	"passwd":          "the password after the user: scheme://user:password@host/name",
	"db":              "the name after the host: scheme://user@host/name",
	"dbname":          "the name after the host: scheme://user@host/name",
	"database":        "the name after the host: scheme://user@host/name",
	"ssl":             "the scheme with an s, such as rediss",
	"tls":             "the scheme with an s, such as rediss",
	"keyfunction":     "no option: only a cachestore.Config can have a KEY_FUNCTION",
	"readdefaultfile": "user, password and host in the URL: the file is not read",
}

// spelledLike returns what to write in place of an option that this row does not have, or "".
func (row *Scheme) spelledLike(unknown string) string {
	unknown = plainLetters(unknown)
	for _, name := range slices.Concat(row.options, row.driverOptions) {
		if plainLetters(name) == unknown || slices.Contains(sameOptions[unknown], name) {
			return name
		}
	}
	if !row.IsPath {
		return otherPlaces[unknown]
	}
	return ""
}

func plainLetters(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}
