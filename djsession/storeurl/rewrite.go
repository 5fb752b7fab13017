package storeurl

import (
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// Resolve returns the URL with its path below a folder, if its path is relative.
func Resolve(rawURL, folder string) string {
	scheme, rest, ok := strings.Cut(rawURL, ":///")
	if !ok || !isPath(scheme) {
		return rawURL
	}
	escaped, query, hasQuery := strings.Cut(rest, "?")
	path, err := unquote(escaped)
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

// WithOption returns the URL with an option, in place of one of the same name.
func WithOption(rawURL, name, value string) string {
	before, query, _ := strings.Cut(rawURL, "?")
	options := strings.FieldsFunc(query, func(r rune) bool { return r == '&' })
	options = slices.DeleteFunc(options, func(option string) bool {
		other, _, _ := strings.Cut(option, "=")
		return unescaped(other) == name
	})
	return before + "?" + strings.Join(append(options, name+"="+url.QueryEscape(value)), "&")
}

// Password returns the password that a URL has behind the name of its user, or "".
func Password(rawURL string) (string, error) {
	u, err := parse(rawURL)
	if err != nil {
		return "", err
	}
	return u.password, nil
}

// WithPassword returns the URL with a password after the name of its user.
func WithPassword(rawURL, password string) (string, error) {
	row, scheme, rest, err := cutScheme(rawURL)
	if err != nil {
		return "", err
	}
	authority := rest[:strings.IndexAny(rest+"/", "/?")]
	escaped := strings.ReplaceAll(url.QueryEscape(password), "+", "%20")
	at := strings.LastIndexByte(authority, '@')
	switch {
	case at < 0 && row.passwordAlone:
		return scheme + "://:" + escaped + "@" + rest, nil
	case at < 0 || strings.Contains(authority[:at], ":"):
		return "", errors.New("the url must name a user, and no password")
	}
	return scheme + "://" + rest[:at] + ":" + escaped + rest[at:], nil
}

// WithoutPassword returns the URL without the password behind the name of its user.
func WithoutPassword(rawURL string) string {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	end := strings.IndexAny(rest+"/", "/?")
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return rawURL
	}
	user, _, _ := strings.Cut(rest[:at], ":")
	return scheme + "://" + user + rest[at:]
}
