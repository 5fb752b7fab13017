package magic

import "bytes"

// isSigned reports whether text looks like what django.core.signing.dumps writes: payload, time and signature.
func isSigned(text []byte) bool {
	parts := bytes.SplitN(text, []byte(":"), 4)
	if len(parts) != 3 {
		return false
	}
	payload := bytes.TrimRight(bytes.TrimPrefix(parts[0], []byte(".")), "=")
	const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return isOf(payload, alphanumeric+"-_", 1) && isOf(parts[1], alphanumeric, 1) && isOf(parts[2], alphanumeric+"-_", 20)
}

// isOf reports whether text has only these characters, and at least so many.
func isOf(text []byte, characters string, least int) bool {
	return len(text) >= least && len(bytes.TrimLeft(text, characters)) == 0
}

// textName says what text seems to be.
func textName(data []byte) string {
	text := bytes.TrimSpace(data)
	switch {
	case len(text) == 0:
		return "blank text"
	case IsInt(data):
		return "an integer"
	case text[0] == '{':
		return jsonName(text, '}', "a JSON object")
	case text[0] == '[':
		return jsonName(text, ']', "a JSON list")
	case text[0] == '"' && len(text) > 1:
		return jsonName(text, '"', "a JSON string")
	case isSigned(text):
		return "a signed value"
	}
	return "text"
}

func jsonName(text []byte, end byte, name string) string {
	if text[len(text)-1] != end {
		return name + ", the end of which is missing"
	}
	return name
}

// IsInt tells whether Python's int(data) would take it: digits, a sign before them,
// single underscores between them, white space around.
func IsInt(data []byte) bool {
	const whiteSpace = " \t\n\r\v\f"
	if len(data) == 0 || data[0] > '9' || len(data) > maxInt {
		return false
	}
	text := bytes.Trim(data, whiteSpace)
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	digit := false // the character before
	for _, c := range text {
		switch {
		case '0' <= c && c <= '9':
			digit = true
		case c == '_' && digit:
			digit = false
		default:
			return false
		}
	}
	return digit
}

// maxInt is as many digits as Python's int() takes, and some room for white space.
const maxInt = 4400
