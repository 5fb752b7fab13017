package storeurl

import (
	"slices"
	"strings"
)

// HasSecret reports whether a URL holds a password or a key, and so must not be on a command
// line. It is false for a text that is not a URL.
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
	// Look for the last @ in all of the URL, not only in the authority: a password
	// counts even if it should have been percent-encoded.
	all := rest + "?" + query
	i := strings.LastIndexByte(all, '@')
	return i >= 0 && strings.IndexByte(all[:i], ':') >= 0
}

func isSeparator(r rune) bool { return r == '&' || r == ';' }

// isSecretOption reports whether an option, name=value, holds a secret.
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

// isPasswordOption reports whether an option is a password of libpq, redis-py or Sentinel
// (password, sslpassword, sentinel_password). go-sql-driver/mysql's allowNativePasswords is
// not.
func isPasswordOption(name string) bool {
	return strings.HasSuffix(name, "password") || name == "passwd" || name == "pwd"
}

func unescaped(text string) string {
	if plain, err := unquoteOption(text); err == nil {
		return plain
	}
	return text // a text that cannot be decoded may still be a secret
}

// isPEM reports whether an option holds the text of a key or certificate, and not the name
// of its file.
func isPEM(value string) bool { return strings.Contains(value, "-----BEGIN") }

// isOn reads a switch of lib/pq. A value that lib/pq would refuse counts as on.
func isOn(value string) bool {
	return !slices.Contains([]string{"", "0", "f", "n", "false", "no", "off"}, strings.ToLower(value))
}

// misplacedPEM returns the name of an option that holds a key or certificate in place of
// the name of a file, or "". An error about that file would quote the key. Only some of
// lib/pq's options may hold one.
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

// withoutSecrets replaces the URL's password and key in a text by "…".
func (u *storeURL) withoutSecrets(text string) string {
	for _, secret := range []string{u.password, u.options.Get("sslkey")} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}
