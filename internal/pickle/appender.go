package pickle

import (
	"encoding/binary"
	"strconv"
	"sync"
)

// An appender writes one pickle.
type appender struct {
	buf    []byte
	proto  int
	frame  int // where the open frame begins, with its header; below protocol 4 it is -1
	memo   memo
	names  map[string]uint32 // memo numbers of classes and of their modules, by name
	writes int

	path  []opened        // what is being written, each within the one before
	calls map[*Object]int // how often a call is in path
}

// opened is an object that is being written.
type opened struct {
	o   *Object
	put bool // it is in the memo already, and that is this one
}

var appenders = sync.Pool{New: func() any { return new(appender) }}

func newAppender(dst []byte, protocol int) *appender {
	a := appenders.Get().(*appender)
	a.buf, a.proto, a.frame = dst, protocol, -1
	return a
}

// release leaves nothing of this pickle behind.
func (a *appender) release() {
	a.memo.clear()
	clear(a.path[:cap(a.path)])
	*a = appender{memo: a.memo, path: a.path[:0]}
	appenders.Put(a)
}

func (a *appender) op(op byte) {
	a.buf = append(a.buf, op)
}

func (a *appender) op8(op byte, n int) {
	a.buf = append(a.buf, op, byte(n))
}

func (a *appender) op32(op byte, n int) {
	a.buf = binary.LittleEndian.AppendUint32(append(a.buf, op), uint32(n))
}

// line appends an opcode with what ends with its line.
func (a *appender) line(op byte, s string) {
	a.buf = append(append(append(a.buf, op), s...), '\n')
}

func (a *appender) numberLine(op byte, n int) {
	a.buf = append(strconv.AppendInt(append(a.buf, op), int64(n), 10), '\n')
}

// put enters o, which is on top of the stack, into the memo. Without o it takes a number for something that nobody
// will ask for: Python does so, too.
func (a *appender) put(o *Object) uint32 {
	n := a.memo.take(o)
	if last := len(a.path) - 1; o != nil && a.path[last].o == o {
		a.path[last].put = true
	}
	switch {
	case a.proto >= 4:
		a.op(opMemoize)
	case a.proto == 0:
		a.numberLine(opPut, int(n))
	case n < 256:
		a.op8(opBinPut, int(n))
	default:
		a.op32(opLongBinPut, int(n))
	}
	return n
}

func (a *appender) get(n uint32) {
	switch {
	case a.proto == 0:
		a.numberLine(opGet, int(n))
	case n < 256:
		a.op8(opBinGet, int(n))
	default:
		a.op32(opLongBinGet, int(n))
	}
}
