package djcookie

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Cookie is what response.set_cookie takes.
type Cookie struct {
	Name, Value string
	Domain      string
	Path        string
	SameSite    string
	Secure      bool
	HTTPOnly    bool
	// Lasts is true for a cookie with Max-Age and expires; the others end
	// with the browser.
	Lasts   bool
	MaxAge  int64 // seconds
	Expires time.Time
}

// Deleted is response.delete_cookie: the cookie that makes a browser forget one.
func Deleted(name, domain, path, sameSite string) Cookie {
	return Cookie{
		Name:     name,
		Domain:   domain,
		Path:     path,
		SameSite: sameSite,
		// Browsers take no cookie of such a name, or for other sites, without.
		Secure: strings.HasPrefix(name, "__Secure-") || strings.HasPrefix(name, "__Host-") ||
			strings.EqualFold(sameSite, "none"),
		Lasts:   true,
		Expires: time.Unix(0, 0),
	}
}

// String is the value of a Set-Cookie header, with the attributes in the order in
// which http.cookies writes them.
func (c Cookie) String() string {
	b := make([]byte, 0, 160)
	b = append(b, c.Name...)
	b = append(b, '=')
	b = appendQuoted(b, c.Value)
	if c.Domain != "" {
		b = append(append(b, "; Domain="...), c.Domain...)
	}
	if c.Lasts {
		b = c.Expires.UTC().AppendFormat(append(b, "; expires="...), http.TimeFormat)
	}
	if c.HTTPOnly {
		b = append(b, "; HttpOnly"...)
	}
	if c.Lasts {
		b = strconv.AppendInt(append(b, "; Max-Age="...), c.MaxAge, 10)
	}
	if c.Path != "" {
		b = append(append(b, "; Path="...), c.Path...)
	}
	if c.SameSite != "" {
		b = append(append(b, "; SameSite="...), c.SameSite...)
	}
	if c.Secure {
		b = append(b, "; Secure"...)
	}
	return string(b)
}

// Set adds the cookie to a response, in place of one with its name that is
// already there, as Django's response.cookies would.
func (c Cookie) Set(h http.Header) {
	const name = "Set-Cookie"
	set := h[name]
	kept := set[:0:0]
	for _, other := range set {
		if n, _, _ := strings.Cut(other, "="); n != c.Name {
			kept = append(kept, other)
		}
	}
	h[name] = append(kept, c.String())
}

// appendQuoted quotes a value, and the empty one, unless it can stand as it is.
func appendQuoted(b []byte, value string) []byte {
	if value != "" && strings.IndexFunc(value, needsQuotes) < 0 {
		return append(b, value...)
	}
	b = append(b, '"')
	for _, c := range []byte(value) {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c >= 0x7f || c == ',' || c == ';':
			b = fmt.Appendf(b, "\\%03o", c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func needsQuotes(r rune) bool {
	alphanumeric := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	return !alphanumeric && (r > '~' || !strings.ContainsRune("!#$%&'*+-.^_`|~:", r))
}
