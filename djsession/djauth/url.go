package djauth

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// fullPath is request.get_full_path(): the path, decoded and quoted again, and the query
// unchanged. It is the path that the visitor requested, before http.StripPrefix and the
// like.
func fullPath(r *http.Request) string {
	u := r.URL
	if asked, err := url.ParseRequestURI(r.RequestURI); err == nil {
		u = asked
	}
	var b strings.Builder
	if !strings.HasPrefix(u.Path, "/") {
		b.WriteByte('/')
	}
	for path := u.Path; path != ""; {
		c, size := utf8.DecodeRuneInString(path)
		if c == utf8.RuneError && size == 1 {
			// Django percent-encodes a byte that is not UTF-8 to have text, and then
			// encodes the percent sign again.
			b.WriteString("%25" + quote(path[:1], "")[1:])
		} else {
			b.WriteString(quote(path[:size], "/:@&+$,-_.!~*'()"))
		}
		path = path[size:]
	}
	if u.RawQuery != "" {
		b.WriteByte('?')
		for _, c := range []byte(u.RawQuery) {
			b.WriteString(iriToURI(string(rune(c)))) // to WSGI, bytes are Latin-1
		}
	}
	return b.String()
}

// resolveDots resolves . and .. in a path, as build_absolute_uri does.
func resolveDots(full string) string {
	path, query, found := strings.Cut(full, "?")
	if !strings.Contains(path, "/./") && !strings.Contains(path, "/../") {
		return full
	}
	segments := strings.Split(path, "/")
	var resolved []string
	for _, segment := range segments {
		switch {
		case segment == "..":
			resolved = resolved[:max(0, len(resolved)-1)]
		case segment != ".":
			resolved = append(resolved, segment)
		}
	}
	if last := segments[len(segments)-1]; last == "." || last == ".." {
		resolved = append(resolved, "")
	}
	path = "/" + strings.TrimPrefix(strings.Join(resolved, "/"), "/")
	if found {
		path += "?" + query
	}
	return path
}

// schemeAndHost returns the scheme and the host of a URL: urlsplit(…)[:2].
func schemeAndHost(address string) (scheme, host string) {
	if before, after, found := strings.Cut(address, ":"); found && isScheme(before) {
		scheme, address = strings.ToLower(before), after
	}
	if rest, found := strings.CutPrefix(address, "//"); found {
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			rest = rest[:end]
		}
		host = rest
	}
	return scheme, host
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		other := c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return s != ""
}

// setParameter sets a parameter of a query as a QueryDict does, and encodes the query as its
// urlencode(safe="/"). Values of one name are together, at the place of the first one.
func setParameter(query, name, value string) string {
	var names []string
	values := map[string][]string{}
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		k, v = unquotePlus(k), unquotePlus(v)
		if _, known := values[k]; !known {
			names = append(names, k)
		}
		values[k] = append(values[k], v)
	}
	if _, known := values[name]; !known {
		names = append(names, name)
	}
	values[name] = []string{value}
	var b strings.Builder
	for _, k := range names {
		for _, v := range values[k] {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(quote(k, "/") + "=" + quote(v, "/"))
		}
	}
	return b.String()
}

// unquotePlus is unquote_plus. A text with an invalid %xx stays as it is.
func unquotePlus(s string) string {
	if unquoted, err := url.QueryUnescape(s); err == nil {
		s = unquoted
	}
	return string([]rune(s)) // U+FFFD for what is not UTF-8
}

// iriToURI is django.utils.encoding.iri_to_uri.
func iriToURI(iri string) string { return quote(iri, "/#%[]=:;$&()+,!?*@'~") }

// quote is urllib.parse.quote, of the text's UTF-8.
func quote(s, safe string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		alphanumeric := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if alphanumeric || strings.IndexByte("_.-~", c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
