package pickle

import (
	"math"
	"math/big"
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

// intText is INT, which is also how protocols 0 and 1 write a bool.
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
	// Python's int(text, 0): a prefix says the base, and only decimal digits are limited in number.
	s = strings.TrimSpace(s)
	digits := strings.TrimLeft(s, "+-")
	if len(digits) > maxIntDigits && (digits[0] != '0' || isDecimal(digits)) {
		return d.fail("an integer with too many digits")
	}
	n, ok := new(big.Int).SetString(s, 0)
	if !ok {
		return d.fail("an integer that is none")
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

// longBytes is LONG1 and LONG4: two's complement, the lowest byte first.
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
		return d.fail("a float that is none")
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

// parseFloat reads a float as Python does: no hexadecimal, no underscores, no white space, and nothing beyond the range.
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
