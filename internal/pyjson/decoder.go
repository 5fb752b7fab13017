package pyjson

// A decoder walks a text that has been checked; it does not check again.
type decoder struct {
	text      string
	i         int
	withMarks bool  // the text is marked JSON
	opaque    []any // what marks may refer to
	dict      *DictType
	err       error // of what decodes into interfaces
}

// next skips white space and returns the byte that follows.
func (d *decoder) next() byte {
	d.i = skipSpace(d.text, d.i)
	return d.text[d.i]
}

// raw takes the next value as it is written.
func (d *decoder) raw() string {
	d.next()
	start := d.i
	if d.withMarks {
		d.i = markedEnd(d.text, start)
	} else {
		s := scanner{text: d.text, depth: noLimit}
		d.i = s.value(start)
	}
	return d.text[start:d.i]
}

// str takes the next string.
func (d *decoder) str() string {
	d.next()
	start := d.i + 1
	end, plain := stringEnd(d.text, start)
	d.i = end
	if plain {
		return d.text[start : end-1]
	}
	return decodeString(d.text[start : end-1])
}

// number takes the next number as it is written.
func (d *decoder) number() string {
	start := d.i
	switch d.text[d.i] {
	case 'N':
		d.i += len("NaN")
	case 'I':
		d.i += len("Infinity")
	default:
		d.i, _ = numberEnd(d.text, d.i)
	}
	return d.text[start:d.i]
}

// each calls one for every element of the array, or for every member of the object, that is next. It must take
// the value.
func (d *decoder) each(one func(name string) error) error {
	object := d.next() == '{'
	d.i++
	if c := d.next(); c == ']' || c == '}' {
		d.i++
		return nil
	}
	for {
		name := ""
		if object {
			if d.next() == escape {
				name = d.key()
			} else {
				name = d.str()
			}
			d.next()
			d.i++ // the colon
		}
		if err := one(name); err != nil {
			return err
		}
		c := d.next()
		d.i++
		if c != ',' {
			return nil
		}
	}
}

// any takes the next value as nil, bool, int64, *big.Int, float64, string, []any, and an Object or a map[string]any.
func (d *decoder) any(ordered bool) any {
	switch d.next() {
	case '"':
		return d.str()
	case 'n':
		d.i += len("null")
		return nil
	case 't':
		d.i += len("true")
		return true
	case 'f':
		d.i += len("false")
		return false
	case escape:
		return d.markedAny()
	case '[':
		list := []any{}
		d.each(func(string) error {
			list = append(list, d.any(ordered))
			return d.err
		})
		return list
	case '{':
		if ordered {
			return d.object()
		}
		m := map[string]any{}
		d.each(func(name string) error {
			m[name] = d.any(false)
			return d.err
		})
		return m
	}
	return ParseNumber(d.number())
}
