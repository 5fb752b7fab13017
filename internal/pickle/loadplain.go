package pickle

// plain recognises the calls by which older protocols write bytes, bytearrays and sets. It returns nil for any other,
// which then stays a call.
//
// What is made of another object is made of what that is now. A list may grow afterwards: its Items are lent, and
// grow elsewhere.
func (d *loader) plain(callable string, args []*Object) *Object {
	switch callable {
	case "_codecs\nencode":
		if len(args) == 2 && isLatin1(args[1]) {
			return d.encoded(Bytes, args[0])
		}
	case "builtins\nbytes":
		if len(args) == 0 {
			return d.object(Bytes)
		}
	case "builtins\nbytearray":
		return d.plainByteArray(args)
	case "builtins\nset":
		return d.plainSet(Set, args)
	case "builtins\nfrozenset":
		return d.plainSet(FrozenSet, args)
	}
	return nil
}

// plainByteArray: before Python 3.8 a bytearray was written as bytearray(str, 'latin-1') below protocol 3.
func (d *loader) plainByteArray(args []*Object) *Object {
	switch {
	case len(args) == 0:
		return d.object(ByteArray)
	case len(args) == 1 && args[0].Kind == Bytes:
		o := d.object(ByteArray)
		o.Text = args[0].Text
		return o
	case len(args) == 2 && isLatin1(args[1]):
		return d.encoded(ByteArray, args[0])
	}
	return nil
}

func (d *loader) plainSet(kind Kind, args []*Object) *Object {
	if len(args) == 0 {
		return d.object(kind)
	}
	if len(args) != 1 || args[0].Kind != List || args[0].Made != nil {
		return nil
	}
	items := args[0].Items
	d.refs -= len(items) // run checks that it is not negative
	o := d.object(kind)
	o.Items = items[:len(items):len(items)]
	o.lent = true
	return o
}

func isLatin1(o *Object) bool {
	return o.Kind == Str && (o.Text == "latin1" || o.Text == "latin-1")
}

// encoded is what Latin-1 text stands for. One text may be named by many calls: beyond what a pickle of this length has reason to
// they are left to be calls.
func (d *loader) encoded(kind Kind, text *Object) *Object {
	if text.Kind != Str || !isASCII(text.Text) && !d.mayCopy(len(text.Text)) {
		return nil
	}
	s, ok := toLatin1(text.Text)
	if !ok {
		return nil
	}
	o := d.object(kind)
	o.Text = s
	return o
}
