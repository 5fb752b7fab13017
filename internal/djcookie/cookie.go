package djcookie

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Cookie holds the arguments of response.set_cookie.
type Cookie struct {
	Name, Value string
	Domain      string
	Path        string
	SameSite    string
	Secure      bool
	HTTPOnly    bool
	// Lasts is true for a cookie with Max-Age and expires. Other cookies end when the browser
	// closes.
	Lasts   bool
	MaxAge  int64 // seconds
	Expires time.Time
}

// Deleted is response.delete_cookie: it returns the cookie that makes a browser delete the cookie
// of this name.
func Deleted(name, domain, path, sameSite string) Cookie {
	return Cookie{
		Name:     name,
		Domain:   domain,
		Path:     path,
		SameSite: sameSite,
		// Browsers refuse a cookie with such a name, or with SameSite=None, unless it is Secure.
		Secure: strings.HasPrefix(name, "__Secure-") || strings.HasPrefix(name, "__Host-") ||
			strings.EqualFold(sameSite, "none"),
		Lasts:   true,
		Expires: time.Unix(0, 0),
	}
}

// String returns the value of a Set-Cookie header. The attributes are in the order in which
// http.cookies writes them.
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

// Set adds the cookie to a response. As in Django's response.cookies, it replaces a cookie of the
// same name.
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

// appendQuoted appends a value, in quotes if it is empty or has characters that need quotes.
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
