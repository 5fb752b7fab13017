package pickle

// The opcodes, by the names that Python's pickletools gives them.
const (
	opMark           = '('
	opStop           = '.'
	opPop            = '0'
	opPopMark        = '1'
	opDup            = '2'
	opFloat          = 'F'
	opInt            = 'I'
	opBinInt         = 'J'
	opBinInt1        = 'K'
	opLong           = 'L'
	opBinInt2        = 'M'
	opNone           = 'N'
	opPersID         = 'P'
	opBinPersID      = 'Q'
	opReduce         = 'R'
	opString         = 'S'
	opBinString      = 'T'
	opShortBinString = 'U'
	opUnicode        = 'V'
	opBinUnicode     = 'X'
	opAppend         = 'a'
	opBuild          = 'b'
	opGlobal         = 'c'
	opDict           = 'd'
	opEmptyDict      = '}'
	opAppends        = 'e'
	opGet            = 'g'
	opBinGet         = 'h'
	opInst           = 'i'
	opLongBinGet     = 'j'
	opList           = 'l'
	opEmptyList      = ']'
	opObj            = 'o'
	opPut            = 'p'
	opBinPut         = 'q'
	opLongBinPut     = 'r'
	opSetItem        = 's'
	opTuple          = 't'
	opEmptyTuple     = ')'
	opSetItems       = 'u'
	opBinFloat       = 'G'

	// Protocol 2.
	opProto    = 0x80
	opNewObj   = 0x81
	opExt1     = 0x82
	opExt2     = 0x83
	opExt4     = 0x84
	opTuple1   = 0x85
	opTuple2   = 0x86
	opTuple3   = 0x87
	opNewTrue  = 0x88
	opNewFalse = 0x89
	opLong1    = 0x8a
	opLong4    = 0x8b

	// Protocol 3.
	opBinBytes      = 'B'
	opShortBinBytes = 'C'

	// Protocol 4.
	opShortBinUnicode = 0x8c
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opNewObjEx        = 0x92
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95

	// Protocol 5.
	opByteArray8     = 0x96
	opNextBuffer     = 0x97
	opReadonlyBuffer = 0x98
)

// run executes the opcodes up to STOP.
func (d *loader) run() (*Object, error) {
	for d.i < len(d.text) {
		d.at = d.i
		op := d.text[d.i]
		d.i++
		if op == opStop {
			return d.pop()
		}
		load := loads[op]
		if load == nil {
			return nil, d.fail("unknown opcode")
		}
		if err := load(d); err != nil {
			return nil, err
		}
		if d.left < 0 || d.refs < 0 {
			return nil, d.tooMany()
		}
	}
	d.at = d.i
	return nil, d.truncated()
}

// loads has a function for every opcode except STOP.
var loads = [256]func(*loader) error{
	opProto: (*loader).setProto,
	opFrame: (*loader).frame,

	opMark:    (*loader).mark,
	opPop:     (*loader).drop,
	opPopMark: (*loader).dropMark,
	opDup:     (*loader).dup,

	opPut:        numbered(0, (*loader).put),
	opBinPut:     numbered(1, (*loader).put),
	opLongBinPut: numbered(4, (*loader).put),
	opMemoize:    (*loader).memoize,
	opGet:        numbered(0, (*loader).get),
	opBinGet:     numbered(1, (*loader).get),
	opLongBinGet: numbered(4, (*loader).get),

	opNone:     func(d *loader) error { return d.push(NewNone()) },
	opNewTrue:  func(d *loader) error { return d.push(NewBool(true)) },
	opNewFalse: func(d *loader) error { return d.push(NewBool(false)) },
	opInt:      with((*loader).line, (*loader).intText),
	opLong:     with((*loader).line, (*loader).longText),
	opBinInt:   fixed(4, func(d *loader, n uint64) error { return d.pushInt(int64(int32(n))) }),
	opBinInt1:  fixed(1, func(d *loader, n uint64) error { return d.pushInt(int64(n)) }),
	opBinInt2:  fixed(2, func(d *loader, n uint64) error { return d.pushInt(int64(n)) }),
	opLong1:    with(sized(1), (*loader).longBytes),
	opLong4:    with(sized(4), (*loader).longBytes),
	opFloat:    with((*loader).line, (*loader).floatText),
	opBinFloat: (*loader).floatBytes,

	opString:          with((*loader).line, (*loader).quotedString),
	opBinString:       with(sized(4), (*loader).oldString),
	opShortBinString:  with(sized(1), (*loader).oldString),
	opUnicode:         with((*loader).line, (*loader).escapedString),
	opBinUnicode:      with(sized(4), (*loader).str),
	opShortBinUnicode: with(sized(1), (*loader).str),
	opBinUnicode8:     with(sized(8), (*loader).str),
	opBinBytes:        with(sized(4), (*loader).bytes),
	opShortBinBytes:   with(sized(1), (*loader).bytes),
	opBinBytes8:       with(sized(8), (*loader).bytes),
	opByteArray8:      with(sized(8), (*loader).byteArray),

	opEmptyTuple: func(d *loader) error { return d.push(emptyTuple) },
	opTuple1:     func(d *loader) error { return d.tuple(1) },
	opTuple2:     func(d *loader) error { return d.tuple(2) },
	opTuple3:     func(d *loader) error { return d.tuple(3) },
	opTuple:      marked(Tuple),
	opEmptyList:  empty(List),
	opList:       marked(List),
	opEmptyDict:  empty(Dict),
	opDict:       marked(Dict),
	opEmptySet:   empty(Set),
	opFrozenSet:  marked(FrozenSet),

	opAppend:   func(d *loader) error { return d.addTop(1, AppendItems) },
	opAppends:  func(d *loader) error { return d.addMarked(AppendItems) },
	opSetItem:  func(d *loader) error { return d.addTop(2, SetItems) },
	opSetItems: func(d *loader) error { return d.addMarked(SetItems) },
	opAddItems: func(d *loader) error { return d.addMarked(AddItems) },
	opBuild:    func(d *loader) error { return d.addTop(1, Build) },

	opGlobal:      (*loader).global,
	opStackGlobal: (*loader).stackGlobal,
	opExt1:        fixed(1, (*loader).extension),
	opExt2:        fixed(2, (*loader).extension),
	opExt4:        fixed(4, (*loader).extension),
	opPersID:      with((*loader).line, (*loader).persistentText),
	opBinPersID:   (*loader).persistent,

	opReduce:   (*loader).reduce,
	opNewObj:   (*loader).newObj,
	opNewObjEx: (*loader).newObjEx,
	opInst:     (*loader).inst,
	opObj:      (*loader).obj,

	opNextBuffer:     func(d *loader) error { return d.fail("a buffer that is not in the pickle") },
	opReadonlyBuffer: (*loader).readonlyBuffer,
}

// readonlyBuffer is READONLY_BUFFER. Bytes are read-only already. From a bytearray Python makes a memoryview, which cannot be
// pickled.
func (d *loader) readonlyBuffer() error {
	top, err := d.top(1)
	if err == nil && top[0].Kind != Bytes {
		err = d.fail("a read-only view")
	}
	return err
}

// setProto is PROTO. Python accepts it anywhere in a pickle, and accepts any opcode in any protocol.
func (d *loader) setProto() error {
	proto, err := d.uint(1)
	if err != nil {
		return err
	}
	if proto > HighestProtocol {
		return d.fail("a protocol beyond 5")
	}
	d.proto = int(proto)
	return nil
}

// frame is FRAME, which says how many bytes follow. Python's unpickler in C only checks that there are so many.
func (d *loader) frame() error {
	size, err := d.uint(8)
	if err != nil {
		return err
	}
	if size > uint64(len(d.text)-d.i) {
		return d.truncated()
	}
	return nil
}

// with returns the function for an opcode with a text as its argument.
func with(argument func(*loader) (string, error), load func(*loader, string) error) func(*loader) error {
	return func(d *loader) error {
		s, err := argument(d)
		if err != nil {
			return err
		}
		return load(d, s)
	}
}

// fixed returns the function for an opcode with a number of width bytes as its argument.
func fixed(width int, load func(*loader, uint64) error) func(*loader) error {
	return func(d *loader) error {
		n, err := d.uint(width)
		if err != nil {
			return err
		}
		return load(d, n)
	}
}

// numbered returns the function for an opcode with a memo number as its argument. The number has width bytes. If width is 0,
// it is a line of digits.
func numbered(width int, load func(*loader, uint64) error) func(*loader) error {
	if width > 0 {
		return fixed(width, load)
	}
	return with((*loader).line, func(d *loader, s string) error {
		n, ok := parseMemoNumber(s)
		if !ok {
			return d.fail("not a memo number")
		}
		return load(d, n)
	})
}

// sized returns a function that takes a text and its length, which comes first and has width bytes. Some lengths are signed.
// Python refuses a negative length. Here it is read as unsigned, which is longer than any pickle.
func sized(width int) func(*loader) (string, error) {
	return func(d *loader) (string, error) {
		n, err := d.uint(width)
		if err != nil {
			return "", err
		}
		return d.bytesAhead(n)
	}
}

// parseMemoNumber reads the argument of PUT and GET.
func parseMemoNumber(s string) (uint64, bool) {
	// 19 digits fit into 64 bits, and no pickle is that long.
	if s == "" || len(s) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
