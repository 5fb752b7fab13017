package storeurl

import (
	"net/url"
	"slices"
	"strings"
)

// HasSecret tells whether a URL holds a password or a key, and so has no place on a
// command line. A text that is no URL has none.
func HasSecret(rawURL string) bool {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return false
	}
	rest, query, _ := strings.Cut(rest, "?")
	if slices.ContainsFunc(strings.FieldsFunc(query, isSeparator), isSecretOption) {
		return true
	}
	if isPath(scheme) && strings.HasPrefix(rest, "/") {
		return false // all of it is a path
	}
	// By the last @ of all, not of the authority: a password that should have
	// been percent-encoded is one all the same.
	all := rest + "?" + query
	i := strings.LastIndexByte(all, '@')
	return i >= 0 && strings.IndexByte(all[:i], ':') >= 0
}

func isSeparator(r rune) bool { return r == '&' || r == ';' }

// isSecretOption tells whether an option, name=value, holds a secret.
func isSecretOption(option string) bool {
	name, value, _ := strings.Cut(option, "=")
	name, value = strings.ToLower(unescaped(name)), unescaped(value)
	switch {
	case isPEM(value), isPasswordOption(name) && value != "":
		return true
	case name == "sslinline":
		return isOn(value) // sslkey is then the key itself
	}
	return false
}

// isPasswordOption tells the options of libpq, redis-py and Sentinel that are passwords
// (password, sslpassword, sentinel_password) from go-sql-driver/mysql's
// allowNativePasswords.
func isPasswordOption(name string) bool {
	return strings.HasSuffix(name, "password") || name == "passwd" || name == "pwd"
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text // which is not what a store gets, and may still be a secret
}

// isPEM tells the text of a key or certificate from the name of its file.
func isPEM(value string) bool { return strings.Contains(value, "-----BEGIN") }

// isOn is how lib/pq reads a switch, in doubt on.
func isOn(value string) bool {
	return !slices.Contains([]string{"", "0", "f", "n", "false", "no", "off"}, strings.ToLower(value))
}

// misplacedPEM names an option that holds a key or certificate where a store wants the
// name of a file, which it would quote in its error. Only lib/pq's can hold one.
func (u *storeURL) misplacedPEM() string {
	for name, values := range u.options {
		inline := (name == "sslkey" || name == "sslcert" || name == "sslrootcert") && isOn(u.options.Get("sslinline"))
		switch {
		case isPEM(name):
			return "…"
		case slices.ContainsFunc(values, isPEM) && !inline:
			return name
		}
	}
	return ""
}

// withoutSecrets is a text without the URL's password and key.
func (u *storeURL) withoutSecrets(text string) string {
	for _, secret := range []string{u.password, u.options.Get("sslkey")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}
