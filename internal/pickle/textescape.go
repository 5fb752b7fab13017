package pickle

import (
	"strconv"
	"strings"
)

// unescapeBytes reads what a literal of Python 2 has between its quotes.
func unescapeBytes(s string) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if c != '\\' {
			b = append(b, c)
			continue
		}
		if i == len(s) {
			return "", false
		}
		c = s[i]
		i++
		switch c {
		case '\n': // a line that goes on
		case '\\', '\'', '"':
			b = append(b, c)
		case 'a', 'b', 'f', 'n', 'r', 't', 'v':
			b = append(b, "\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		case 'x':
			if len(s)-i < 2 {
				return "", false
			}
			n, err := strconv.ParseUint(s[i:i+2], 16, 8)
			if err != nil {
				return "", false
			}
			b = append(b, byte(n))
			i += 2
		case '0', '1', '2', '3', '4', '5', '6', '7':
			n := int(c - '0')
			for k := 0; k < 2 && i < len(s) && s[i] >= '0' && s[i] <= '7'; k++ {
				n = n<<3 | int(s[i]-'0')
				i++
			}
			b = append(b, byte(n))
		default:
			b = append(b, '\\', c)
		}
	}
	return string(b), true
}
