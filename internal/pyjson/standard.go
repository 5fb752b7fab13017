package pyjson

// AppendStandard appends a text that has been checked as JSON that any reader takes, in ASCII and without white space:
// NaN, Infinity and -Infinity become the strings "NaN", "Infinity" and "-Infinity", and the bytes from 0x7f up become
// \u007f to \u00ff: some of them control a terminal. The rest is as written. A text that has not been checked is appended up to where it goes wrong.
func AppendStandard(dst []byte, text string) []byte {
	for i := 0; i < len(text); {
		kind, end := token(text, i)
		if end < 0 {
			return dst
		}
		switch part := text[i:end]; {
		case kind == 0 && part != "," && part != ":":
			// white space
		case kind == Number && !isStandard(part):
			dst = append(dst, '"')
			dst = append(dst, part...)
			dst = append(dst, '"')
		case kind == Name || kind == String:
			dst = appendLatin1(dst, part)
		default:
			dst = append(dst, part...)
		}
		i = end
	}
	return dst
}

// appendLatin1 appends a string with an escape for every byte that is not printable ASCII.
func appendLatin1(dst []byte, s string) []byte {
	for {
		n := 0
		for n < len(s) && s[n] < 0x7f {
			n++
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst
		}
		dst = appendHex4(dst, rune(s[n]))
		s = s[n+1:]
	}
}
