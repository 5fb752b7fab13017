package pickle

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func (d *loader) pushInt(n int64) error {
	if o := smallInt(n); o != nil {
		return d.push(o)
	}
	o := d.object(Int)
	o.Int = n
	return d.push(o)
}

// pushBig pushes an integer of any size.
func (d *loader) pushBig(n *big.Int) error {
	if n.IsInt64() {
		return d.pushInt(n.Int64())
	}
	o := d.object(Int)
	o.Text = bigText(n)
	return d.push(o)
}

// intText is INT. Protocols 0 and 1 also write a bool with it.
func (d *loader) intText(s string) error {
	switch s {
	case "00", "01":
		return d.push(NewBool(s == "01"))
	}
	return d.parseInt(s)
}

func (d *loader) longText(s string) error {
	return d.parseInt(strings.TrimSuffix(s, "L"))
}

func (d *loader) parseInt(s string) error {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return d.pushInt(n)
	}
	if len(s) > 20 && len(s) <= maxIntDigits && isPlainDecimal(s) {
		o := d.object(Int)
		o.Text = s
		return d.push(o)
	}
	// This is Python's int(text, 0): a prefix gives the base, and only the number of decimal digits is limited.
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	if len(digits) > maxIntDigits && (digits[0] != '0' || isDecimal(digits)) {
		return d.fail("an integer with too many digits")
	}
	n, ok := new(big.Int).SetString(s, 0)
	if !ok {
		return d.fail("not an integer")
	}
	return d.pushBig(n)
}

// isPlainDecimal reports whether an integer is spelled as Python writes it.
func isPlainDecimal(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits[0] != '0' && strings.Trim(digits, "0123456789") == ""
}

func isDecimal(s string) bool {
	return strings.Trim(s, "0123456789_") == ""
}

// longBytes is LONG1 and LONG4: it reads two's complement, the lowest byte first.
func (d *loader) longBytes(s string) error {
	if len(s) <= 8 {
		var n uint64
		for k, c := range []byte(s) {
			n |= uint64(c) << (8 * k)
		}
		shift := 64 - 8*len(s)
		return d.pushInt(int64(n<<shift) >> shift)
	}
	if !d.mayCopy(len(s)) {
		return d.tooMuchText()
	}
	return d.pushBig(fromTwosComplement(s))
}

func (d *loader) floatText(s string) error {
	f, ok := parseFloat(s)
	if !ok {
		return d.fail("not a float")
	}
	return d.pushFloat(f)
}

func (d *loader) floatBytes() error {
	s, err := d.bytesAhead(8)
	if err != nil {
		return err
	}
	var bits uint64
	for _, c := range []byte(s) {
		bits = bits<<8 | uint64(c)
	}
	return d.pushFloat(math.Float64frombits(bits))
}

func (d *loader) pushFloat(f float64) error {
	o := d.object(Float)
	o.Int = int64(math.Float64bits(f))
	return d.push(o)
}

// parseFloat reads a float as Python does: no hexadecimal, no underscores, no white space, and no number out of range.
func parseFloat(s string) (float64, bool) {
	switch digits := strings.TrimLeft(s, "+-"); strings.ToLower(digits) {
	case "nan":
		return pythonNaN, len(s)-len(digits) <= 1
	case "inf", "infinity":
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
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

// oldString pushes a str of Python 2. Django calls pickle.loads with its default encoding, ASCII.
func (d *loader) oldString(s string) error {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return &SyntaxError{Offset: d.at, Msg: "a str of Python 2 that is not ASCII", Python2: true}
		}
	}
	return d.pushText(Str, s)
}

// quotedString is STRING: a str of Python 2 as a literal with quotes.
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

// escapedString is UNICODE, whose argument has raw-unicode-escape.
func (d *loader) escapedString(s string) error {
	s, ok := decodeRawEscapes(s)
	if !ok {
		return d.fail("a str with a broken escape")
	}
	return d.pushText(Str, s)
}

// empty returns the function for an opcode that makes an empty container.
func empty(kind Kind) func(*loader) error {
	return func(d *loader) error { return d.push(d.object(kind)) }
}

// marked returns the function for an opcode that makes a container of the objects above the last mark.
func marked(kind Kind) func(*loader) error {
	return func(d *loader) error {
		items, err := d.popMark()
		if err != nil {
			return err
		}
		if kind == Dict && len(items)%2 != 0 {
			return d.fail("a key without a value")
		}
		if kind == Tuple && len(items) == 0 {
			return d.push(emptyTuple)
		}
		o := d.object(kind)
		o.Items = slices.Clone(items)
		return d.push(o)
	}
}

// tuple makes a tuple of the n objects on top of the stack.
func (d *loader) tuple(n int) error {
	items, err := d.top(n)
	if err != nil {
		return err
	}
	o := d.object(Tuple)
	o.Items = slices.Clone(items)
	d.stack = d.stack[:len(d.stack)-n]
	return d.push(o)
}

// addTop adds the n objects on top of the stack to the object below them.
func (d *loader) addTop(n int, how StepKind) error {
	objects, err := d.top(n + 1)
	if err != nil {
		return err
	}
	d.stack = d.stack[:len(d.stack)-n]
	return d.add(objects[0], how, objects[1:])
}

// addMarked adds the objects above the last mark to the object below the mark.
func (d *loader) addMarked(how StepKind) error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	target, err := d.top(1)
	if err != nil {
		return err
	}
	if how == SetItems && len(items)%2 != 0 {
		return d.fail("a key without a value")
	}
	if len(items) == 0 {
		return nil
	}
	return d.add(target[0], how, items)
}

// add applies a change to an object. If it is the usual change for the object's kind, such as an APPEND to a list, the items
// join the object's Items. Any other change becomes a step. A change that Python refuses is an error.
func (d *loader) add(o *Object, how StepKind, items []*Object) error {
	switch {
	case o.Kind == List && how == AppendItems, o.Kind == Dict && how == SetItems, o.Kind == Set && how == AddItems && !o.lent:
		if o.Call == nil {
			o.grown = d.now()
			o.Items = append(o.Items, items...)
			return nil
		}
	case o.Kind >= Global:
	case o.Kind == List && how == SetItems, o.Kind == Set && how == AddItems:
	case o.Kind == ByteArray && (how == AppendItems || how == SetItems):
	default:
		return d.fail("a change that Python refuses for this kind of object")
	}
	d.addStep(o, how, items...)
	return nil
}

// addStep adds a step to o. o is never an object that pickles share, since those cannot be changed.
func (d *loader) addStep(o *Object, how StepKind, items ...*Object) {
	o.grown = d.now()
	if o.Call == nil {
		o.Call = new(Call)
	}
	steps := o.Call.Steps
	if n := len(steps); n > 0 && steps[n-1].Kind == how && how != Build && how != Discard {
		steps[n-1].Items = append(steps[n-1].Items, items...)
		return
	}
	o.Call.Steps = append(steps, Step{Kind: how, Items: slices.Clone(items)})
}
