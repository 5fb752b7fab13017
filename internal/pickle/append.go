package pickle

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// save appends the opcodes that push o onto the unpickler's stack.
func (a *appender) save(o *Object, depth int) error {
	if o == nil {
		return &ValueError{"an object is missing"}
	}
	if depth <= 0 {
		return fmt.Errorf("objects are %w", ErrDepth)
	}
	if a.writes++; a.writes > maxWrites {
		return fmt.Errorf("the pickle is %w", ErrTooLarge)
	}
	a.betweenFrames()
	switch o.Kind {
	case None:
		a.op(opNone)
		return nil
	case Bool:
		a.saveBool(o.Int != 0)
		return nil
	case Int:
		return a.saveInt(o)
	case Float:
		a.saveFloat(o)
		return nil
	case Tuple:
		if len(o.Items) == 0 {
			a.saveEmptyTuple()
			return nil
		}
	}
	if n, ok := a.memo.find(o); ok {
		a.get(n)
		return nil
	}
	a.path = append(a.path, opened{o: o})
	err := a.saveNew(o, depth-1)
	a.path = a.path[:len(a.path)-1]
	return err
}

// saveNew appends the opcodes that make an object which is not in the memo yet, and enters it into the memo.
func (a *appender) saveNew(o *Object, depth int) error {
	switch o.Kind {
	case Str:
		return a.saveStr(o)
	case Bytes:
		return a.saveBytes(o)
	case ByteArray:
		return a.saveByteArray(o, depth)
	case List:
		return a.saveList(o, depth)
	case Tuple:
		return a.saveTuple(o, depth)
	case Dict:
		return a.saveDict(o, depth)
	case Set:
		return a.saveSet(o, depth)
	case FrozenSet:
		return a.saveFrozenSet(o, depth)
	case Global:
		return a.saveGlobal(o, depth)
	case Reduce, NewObj, NewObjEx, Instance:
		return a.saveCall(o, depth)
	case PersistentID:
		return a.savePersistent(o, depth)
	case Extension:
		return a.saveExtension(o)
	}
	return &ValueError{fmt.Sprintf("an object of the unknown kind %d", o.Kind)}
}

// An appender writes one pickle.
type appender struct {
	buf    []byte
	proto  int
	frame  int // where the open frame begins, with its header; below protocol 4 it is -1
	memo   memo
	names  map[string]uint32 // memo numbers of classes and modules, by name
	writes int

	path  []opened        // the objects that are being written, each within the object before it
	calls map[*Object]int // how often each call is in path
}

// opened is an object whose parts are being written.
type opened struct {
	o   *Object
	put bool // the object is in the memo already
}

var appenders = sync.Pool{New: func() any { return new(appender) }}

func newAppender(dst []byte, protocol int) *appender {
	a := appenders.Get().(*appender)
	a.buf, a.proto, a.frame = dst, protocol, -1
	return a
}

// release clears the appender and returns it to the pool.
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

// line appends an opcode whose argument ends with its line.
func (a *appender) line(op byte, s string) {
	a.buf = append(append(append(a.buf, op), s...), '\n')
}

func (a *appender) numberLine(op byte, n int) {
	a.buf = append(strconv.AppendInt(append(a.buf, op), int64(n), 10), '\n')
}

// put enters o, which is on top of the stack, into the memo. If o is nil, put only takes the next number, as Python does.
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

// From protocol 4 on a pickle consists of frames, so a reader of a stream can read large pieces. Python ends a frame before
// the first object that begins beyond frameSize. A frame shorter than frameLeast has no header. Content as large as a frame is
// written outside of frames.
const (
	frameSize   = 64 << 10
	frameHeader = 9
	frameLeast  = 4
)

func (a *appender) startFrame() {
	if a.proto < 4 {
		return
	}
	a.frame = len(a.buf)
	a.buf = append(a.buf, opFrame, 0, 0, 0, 0, 0, 0, 0, 0)
}

func (a *appender) endFrame() {
	if a.frame < 0 {
		return
	}
	content := a.buf[a.frame+frameHeader:]
	if len(content) < frameLeast {
		a.buf = append(a.buf[:a.frame], content...)
	} else {
		binary.LittleEndian.PutUint64(a.buf[a.frame+1:], uint64(len(content)))
	}
	a.frame = -1
}

// betweenFrames ends a full frame. It is called where a new object begins.
func (a *appender) betweenFrames() {
	if a.frame >= 0 && len(a.buf)-a.frame-frameHeader >= frameSize {
		a.endFrame()
		a.startFrame()
	}
}

// payload appends a header, which is an opcode and a length, and then the content.
func (a *appender) payload(content string, header ...byte) {
	if len(content) < frameSize || a.frame < 0 {
		a.buf = append(append(a.buf, header...), content...)
		return
	}
	a.endFrame()
	a.buf = append(append(a.buf, header...), content...)
	a.startFrame()
}

// sized is payload for an opcode whose length takes width bytes: 1, 4 or 8.
func (a *appender) sized(op byte, width int, content string) {
	var header [frameHeader]byte
	header[0] = op
	binary.LittleEndian.PutUint64(header[1:], uint64(len(content)))
	a.payload(content, header[:1+width]...)
}

// A memo holds the numbers of the objects that were written, by the objects' addresses. The zero value is empty.
type memo struct {
	count   uint32
	few     [fewObjects]*Object
	fewAt   [fewObjects]uint32
	entered int
	many    map[*Object]uint32
}

// fewObjects is how many objects a memo holds without a map.
const fewObjects = 24

func (m *memo) find(o *Object) (uint32, bool) {
	if m.many != nil {
		n, ok := m.many[o]
		return n, ok
	}
	for i, other := range m.few[:m.entered] {
		if other == o {
			return m.fewAt[i], true
		}
	}
	return 0, false
}

// take returns the next number, and gives it to o unless o is nil.
func (m *memo) take(o *Object) uint32 {
	n := m.count
	m.count++
	switch {
	case o == nil:
	case m.many != nil:
		m.many[o] = n
	case m.entered < fewObjects:
		m.few[m.entered], m.fewAt[m.entered] = o, n
		m.entered++
	default:
		m.many = make(map[*Object]uint32, 4*fewObjects)
		for i, other := range m.few {
			m.many[other] = m.fewAt[i]
		}
		m.many[o] = n
	}
	return n
}

// forget removes o, so that o is written again.
func (m *memo) forget(o *Object) {
	if m.many != nil {
		delete(m.many, o)
		return
	}
	if i := slices.Index(m.few[:m.entered], o); i >= 0 {
		m.few[i] = nil
	}
}

func (m *memo) clear() {
	clear(m.few[:m.entered])
	m.count, m.entered, m.many = 0, 0, nil
}
