package pickle

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/djsess/djsess/internal/pyjson"
)

func (a *appender) saveBool(b bool) {
	switch {
	case a.proto >= 2 && b:
		a.op(opNewTrue)
	case a.proto >= 2:
		a.op(opNewFalse)
	case b:
		a.line(opInt, "01")
	default:
		a.line(opInt, "00")
	}
}

func (a *appender) saveInt(o *Object) error {
	switch n := o.Int; {
	case o.Text != "":
		return a.saveBigInt(o)
	case n < math.MinInt32 || n > math.MaxInt32:
		a.saveLongInt(n)
	case a.proto == 0:
		a.numberLine(opInt, int(n))
	case n >= 0 && n <= math.MaxUint8:
		a.op8(opBinInt1, int(n))
	case n >= 0 && n <= math.MaxUint16:
		a.buf = append(a.buf, opBinInt2, byte(n), byte(n>>8))
	default:
		a.op32(opBinInt, int(n))
	}
	return nil
}

// saveLongInt is for an int64 that takes more than 4 bytes.
func (a *appender) saveLongInt(n int64) {
	if a.proto < 2 {
		a.buf = append(strconv.AppendInt(append(a.buf, opLong), n, 10), 'L', '\n')
		return
	}
	size := 8
	for size > 1 && n<<(64-8*(size-1))>>(64-8*(size-1)) == n {
		size--
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	a.op8(opLong1, size)
	a.buf = append(a.buf, b[:size]...)
}

func (a *appender) saveBigInt(o *Object) error {
	// No memo has it: with what it is in it may be written many times.
	a.writes += len(o.Text) / 8
	if a.proto < 2 {
		if !o.HasDecimal() {
			return &ValueError{"an integer with too many digits for protocols 0 and 1"}
		}
		a.line(opLong, o.Text+"L")
		return nil
	}
	b := twosComplement(o.BigInt())
	switch {
	case len(b) < 256:
		a.op8(opLong1, len(b))
	case len(b) <= math.MaxInt32:
		a.op32(opLong4, len(b))
	default:
		return &ValueError{"an integer that no protocol has room for"}
	}
	a.buf = append(a.buf, b...)
	return nil
}

func (a *appender) saveFloat(o *Object) {
	if a.proto > 0 {
		a.buf = binary.BigEndian.AppendUint64(append(a.buf, opBinFloat), uint64(o.Int))
		return
	}
	a.buf = append(a.buf, opFloat)
	switch f := o.Float(); {
	case math.IsNaN(f):
		a.buf = append(a.buf, "nan"...)
	case math.IsInf(f, 1):
		a.buf = append(a.buf, "inf"...)
	case math.IsInf(f, -1):
		a.buf = append(a.buf, "-inf"...)
	default:
		a.buf = pyjson.AppendFloat(a.buf, f, 64)
	}
	a.op('\n')
}
