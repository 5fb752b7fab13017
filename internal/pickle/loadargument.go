package pickle

import "strings"

// bytesAhead takes the next n bytes of the pickle.
func (d *loader) bytesAhead(n uint64) (string, error) {
	if n > uint64(len(d.text)-d.i) {
		return "", d.truncated()
	}
	s := d.text[d.i : d.i+int(n)]
	d.i += int(n)
	return s, nil
}

// uint takes a number of so many bytes, the lowest first.
func (d *loader) uint(width int) (uint64, error) {
	if width > len(d.text)-d.i {
		return 0, d.truncated()
	}
	var n uint64
	for k, c := range []byte(d.text[d.i : d.i+width]) {
		n |= uint64(c) << (8 * k)
	}
	d.i += width
	return n, nil
}

// line takes a line, of which the line feed is not part.
func (d *loader) line() (string, error) {
	end := strings.IndexByte(d.text[d.i:], '\n')
	if end < 0 {
		return "", d.truncated()
	}
	s := d.text[d.i : d.i+end]
	d.i += end + 1
	return s, nil
}

// sized takes what follows after its own length, which takes so many bytes. Some lengths are signed, and refused
// by Python when negative: here those are longer than anything.
func sized(width int) func(*loader) (string, error) {
	return func(d *loader) (string, error) {
		n, err := d.uint(width)
		if err != nil {
			return "", err
		}
		return d.bytesAhead(n)
	}
}

// with is for opcodes with an argument of text.
func with(argument func(*loader) (string, error), load func(*loader, string) error) func(*loader) error {
	return func(d *loader) error {
		s, err := argument(d)
		if err != nil {
			return err
		}
		return load(d, s)
	}
}

// fixed is for opcodes with a number of so many bytes.
func fixed(width int, load func(*loader, uint64) error) func(*loader) error {
	return func(d *loader) error {
		n, err := d.uint(width)
		if err != nil {
			return err
		}
		return load(d, n)
	}
}

// numbered is for opcodes with a memo number, in so many bytes or, if 0, in a line of digits.
func numbered(width int, load func(*loader, uint64) error) func(*loader) error {
	if width > 0 {
		return fixed(width, load)
	}
	return with((*loader).line, func(d *loader, s string) error {
		n, ok := parseMemoNumber(s)
		if !ok {
			return d.fail("a memo number that is none")
		}
		return load(d, n)
	})
}
