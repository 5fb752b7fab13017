package storeurl

import (
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

var errNoUTF8 = errors.New("it is not UTF-8")

// unquote decodes the percent-encoding of a text as Python does. A % that begins no encoding
// stands for itself: with dj-database-url a password such as 50%off works as it is.
func unquote(text string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "%")
		b.WriteString(before)
		if !found {
			break
		}
		text = after
		if len(after) >= 2 && isHex(after[0]) && isHex(after[1]) {
			b.WriteByte(unhex(after[0])<<4 | unhex(after[1]))
			text = after[2:]
		} else {
			b.WriteByte('%')
		}
	}
	if !utf8.ValidString(b.String()) {
		return "", errNoUTF8
	}
	return b.String(), nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// unquoteOption is unquote for a name or value of an option, where a + is a space.
func unquoteOption(text string) (string, error) {
	return unquote(strings.ReplaceAll(text, "+", " "))
}

// parseQuery parses options as Python does. An option without a value counts as missing.
func parseQuery(query string) (url.Values, error) {
	options := url.Values{}
	for option := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(option, "=")
		name, err := unquoteOption(name)
		if err != nil {
			return nil, err
		}
		if value, err = unquoteOption(value); err != nil {
			return nil, err
		}
		if value != "" {
			options.Add(name, value)
		}
	}
	return options, nil
}
