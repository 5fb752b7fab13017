package pickle

import (
	"fmt"
	"math"
)

func (a *appender) saveStr(o *Object) error {
	if !validText(o.Text) {
		return &ValueError{"a str that is not UTF-8"}
	}
	if err := a.str(o.Text); err != nil {
		return err
	}
	a.put(o)
	return nil
}

func (a *appender) str(s string) error {
	switch {
	case a.proto == 0:
		a.buf = append(appendRawEscapes(append(a.buf, opUnicode), s), '\n')
	case a.proto >= 4 && len(s) <= math.MaxUint8:
		a.sized(opShortBinUnicode, 1, s)
	case len(s) <= math.MaxUint32:
		a.sized(opBinUnicode, 4, s)
	case a.proto >= 4:
		a.sized(opBinUnicode8, 8, s)
	default:
		return &ValueError{"a str that this protocol has no room for"}
	}
	return nil
}

// appendRawEscapes appends a str as Latin-1 with escapes for all other characters and those that end a line somewhere.
func appendRawEscapes(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, n := nextChar(s)
		s = s[n:]
		switch {
		case r > 0xffff:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		case r > 0xff, r == '\\', r == 0, r == '\n', r == '\r', r == 0x1a:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// saveBytes: below protocol 3 bytes are what _codecs.encode makes of them as Latin-1 text.
func (a *appender) saveBytes(o *Object) error {
	s := o.Text
	switch {
	case a.proto < 3 && s == "":
		return a.builtCall(o, "builtins\nbytes", nil)
	case a.proto < 3:
		return a.builtCall(o, "_codecs\nencode", func() (int, error) {
			if err := a.name(fromLatin1(s)); err != nil {
				return 0, err
			}
			return 2, a.constant("latin1")
		})
	case len(s) <= math.MaxUint8:
		a.sized(opShortBinBytes, 1, s)
	case len(s) <= math.MaxUint32:
		a.sized(opBinBytes, 4, s)
	case a.proto >= 4:
		a.sized(opBinBytes8, 8, s)
	default:
		return &ValueError{"bytes that this protocol has no room for"}
	}
	a.put(o)
	return nil
}

func (a *appender) saveByteArray(o *Object, depth int) error {
	var err error
	switch {
	case a.proto >= 5:
		a.sized(opByteArray8, 8, o.Text)
		a.put(o)
	case o.Text == "":
		err = a.builtCall(o, "builtins\nbytearray", nil)
	default:
		err = a.builtCall(o, "builtins\nbytearray", func() (int, error) {
			return 1, a.save(NewBytes(o.Text), depth)
		})
	}
	if err != nil {
		return err
	}
	return a.saveSteps(o, depth)
}
