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

// saveLongInt writes an int64 that does not fit into 4 bytes.
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
	// An integer is not in the memo, so it may be written many times. Its length counts as objects.
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
		return &ValueError{"an integer that is too long for every protocol"}
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
	case uint64(len(s)) <= math.MaxUint32:
		a.sized(opBinUnicode, 4, s)
	case a.proto >= 4:
		a.sized(opBinUnicode8, 8, s)
	default:
		return &ValueError{"a str that is too long for this protocol"}
	}
	return nil
}

// saveBytes writes bytes. Below protocol 3 that is a call of _codecs.encode with the bytes as Latin-1 text.
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
	case uint64(len(s)) <= math.MaxUint32:
		a.sized(opBinBytes, 4, s)
	case a.proto >= 4:
		a.sized(opBinBytes8, 8, s)
	default:
		return &ValueError{"bytes that are too long for this protocol"}
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

// batchSize is how many items Python adds at once. It limits the unpickler's stack.
const batchSize = 1000

func (a *appender) saveList(o *Object, depth int) error {
	a.emptyContainer(opEmptyList, opList)
	a.put(o)
	if err := a.batches(o.Items, listItems, true, depth); err != nil {
		return err
	}
	return a.saveSteps(o, depth)
}

func (a *appender) saveDict(o *Object, depth int) error {
	if len(o.Items)%2 != 0 {
		return &ValueError{"a dict with a key without a value"}
	}
	a.emptyContainer(opEmptyDict, opDict)
	a.put(o)
	if err := a.batches(o.Items, dictItems, true, depth); err != nil {
		return err
	}
	return a.saveSteps(o, depth)
}

// emptyContainer makes an empty container. Protocol 0 has only the opcode that makes a container of the objects above a mark.
func (a *appender) emptyContainer(op, marked byte) {
	if a.proto > 0 {
		a.op(op)
	} else {
		a.buf = append(a.buf, opMark, marked)
	}
}

// An addition says how items are added to a kind of container.
type addition struct {
	size      int  // objects that belong together: a key and its value are two
	one, many byte // the opcodes that add one item, or many
}

var (
	listItems = addition{1, opAppend, opAppends}
	dictItems = addition{2, opSetItem, opSetItems}
)

// batches adds items to the container on top of the stack. own is true for the items of a list or dict, whose number Python
// knows. It is false for items that Python reads from an iterator without knowing how many will come. The last batch differs.
func (a *appender) batches(items []*Object, how addition, own bool, depth int) error {
	if a.proto == 0 || len(items) == how.size {
		return a.oneByOne(items, how, depth)
	}
	batch := items
	for len(items) > 0 {
		batch = items[:min(len(items), batchSize*how.size)]
		items = items[len(batch):]
		if len(batch) == how.size && !own {
			return a.oneByOne(batch, how, depth)
		}
		if err := a.batch(batch, how.many, depth); err != nil {
			return err
		}
	}
	if own && how.size == 2 && len(batch) == 2*batchSize {
		// Python reads a dict until a batch is not full, so it writes an empty batch after a full one.
		return a.batch(nil, how.many, depth)
	}
	return nil
}

func (a *appender) oneByOne(items []*Object, how addition, depth int) error {
	for ; len(items) > 0; items = items[how.size:] {
		if err := a.saveAll(items[:how.size], depth); err != nil {
			return err
		}
		a.op(how.one)
	}
	return nil
}

func (a *appender) batch(items []*Object, many byte, depth int) error {
	a.op(opMark)
	if err := a.saveAll(items, depth); err != nil {
		return err
	}
	a.op(many)
	return nil
}

func (a *appender) saveAll(items []*Object, depth int) error {
	for _, item := range items {
		if err := a.save(item, depth); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) saveEmptyTuple() {
	if a.proto > 0 {
		a.op(opEmptyTuple)
	} else {
		a.buf = append(a.buf, opMark, opTuple)
	}
}

// saveTuple writes a tuple. A tuple enters the memo only after its items. If an item leads back to the tuple, the tuple was
// written while that item was. Then saveTuple drops the items and uses that tuple.
func (a *appender) saveTuple(o *Object, depth int) error {
	short := a.proto >= 2 && len(o.Items) <= 3
	if !short {
		a.op(opMark)
	}
	if err := a.saveAll(o.Items, depth); err != nil {
		return err
	}
	if n, ok := a.memo.find(o); ok {
		a.dropItems(len(o.Items), short)
		a.get(n)
		return nil
	}
	a.tuple(len(o.Items))
	a.put(o)
	return nil
}

// dropItems drops the n items above a mark, and the mark. If short is true, there is no mark.
func (a *appender) dropItems(n int, short bool) {
	switch {
	case a.proto > 0 && !short:
		a.op(opPopMark)
		return
	case !short:
		n++
	}
	for range n {
		a.op(opPop)
	}
}

// tuple makes a tuple of the n items on top of the stack. They are above a mark if the protocol needs it.
func (a *appender) tuple(n int) {
	if a.proto >= 2 && n <= 3 {
		a.op([...]byte{opEmptyTuple, opTuple1, opTuple2, opTuple3}[n])
	} else {
		a.op(opTuple)
	}
}

// saveSet writes a set. Below protocol 4 that is a call of builtins.set with a list.
func (a *appender) saveSet(o *Object, depth int) error {
	if a.proto < 4 {
		err := a.builtCall(o, "builtins\nset", func() (int, error) {
			return 1, a.save(NewList(o.Items...), depth)
		})
		if err != nil {
			return err
		}
		return a.saveSteps(o, depth)
	}
	a.op(opEmptySet)
	a.put(o)
	items := o.Items
	for more := len(items) > 0; more; {
		batch := items[:min(len(items), batchSize)]
		items = items[len(batch):]
		more = len(batch) == batchSize
		if err := a.batch(batch, opAddItems, depth); err != nil {
			return err
		}
	}
	return a.saveSteps(o, depth)
}

func (a *appender) saveFrozenSet(o *Object, depth int) error {
	if a.proto < 4 {
		return a.builtCall(o, "builtins\nfrozenset", func() (int, error) {
			return 1, a.save(NewList(o.Items...), depth)
		})
	}
	a.op(opMark)
	if err := a.saveAll(o.Items, depth); err != nil {
		return err
	}
	if n, ok := a.memo.find(o); ok {
		a.op(opPopMark)
		a.get(n)
		return nil
	}
	a.op(opFrozenSet)
	a.put(o)
	return nil
}
