package pickle

import "fmt"

func (d *loader) tooMuchText() error {
	return fmt.Errorf("the text that is made of others is %w at offset %d", ErrTooLarge, d.at)
}

func (d *loader) pushText(kind Kind, s string) error {
	o := d.object(kind)
	o.Text = s
	return d.push(o)
}

func (d *loader) str(s string) error {
	if !validText(s) {
		return d.fail("a str that is not UTF-8")
	}
	return d.pushText(Str, s)
}

func (d *loader) bytes(s string) error     { return d.pushText(Bytes, s) }
func (d *loader) byteArray(s string) error { return d.pushText(ByteArray, s) }

// oldString is a str of Python 2, which Django lets pickle.loads read as it does by default: as ASCII.
func (d *loader) oldString(s string) error {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return d.fail("a str of Python 2 that is not ASCII")
		}
	}
	return d.pushText(Str, s)
}

// quotedString is STRING: the same as a literal with its quotes.
func (d *loader) quotedString(s string) error {
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return d.fail("a str of Python 2 without quotes")
	}
	s, ok := unescapeBytes(s[1 : len(s)-1])
	if !ok {
		return d.fail("a str of Python 2 with a broken escape")
	}
	return d.oldString(s)
}

// escapedString is UNICODE.
func (d *loader) escapedString(s string) error {
	s, ok := decodeRawEscapes(s)
	if !ok {
		return d.fail("a str with a broken escape")
	}
	return d.pushText(Str, s)
}
