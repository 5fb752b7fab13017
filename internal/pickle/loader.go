package pickle

import (
	"fmt"
	"math"
	"strings"
	"sync"
)

// A loader is the stack machine that runs a pickle.
type loader struct {
	text  string
	at    int // where the opcode is
	i     int // where its argument, or the next opcode, begins
	proto int // of the last PROTO opcode; below 3 names are those of Python 2

	stack []*Object
	marks []int // heights of the stack
	memo  loadMemo

	slab  []Object
	chunk int   // how large the last slab was
	left  int   // how many more objects may be made
	most  int   // left at the start
	refs  int64 // how many more references and marks may be made
	spare int64 // how many more bytes of text may be made beyond the pickle's own text
}

var loaders = sync.Pool{New: func() any { return new(loader) }}

func newLoader(text string, objects int) *loader {
	d := loaders.Get().(*loader)
	*d = loader{
		text: text,
		left: objects,
		most: objects,
		refs: min(refsPerObject*int64(objects), refsPerByte*int64(len(text))+1024),
		// In a pickle that Python writes, only short names of modules are repeated.
		spare: 16*int64(len(text)) + 1024,
		stack: d.stack,
		marks: d.marks,
		memo:  loadMemo{dense: d.memo.dense},
	}
	return d
}

// refsPerObject bounds the references by the number of objects that a pickle may make. A reference to None, a small integer
// or an object in the memo makes no object. But it takes eight bytes of memory for one byte of the pickle.
const refsPerObject = 4

// refsPerByte bounds the references by the length of a pickle. An opcode of one byte pushes one object, which Python then
// adds to one other object. A set of a list refers to all items of the list again, and a hostile pickle can make many sets
// of one list.
const refsPerByte = 4

// keep bounds the stack and the memo of a loader that is kept for the next pickle.
const keep = 1 << 10

// release clears the loader and returns it to the pool, unless it has grown large.
func (d *loader) release() {
	if cap(d.stack) > keep || cap(d.memo.dense) > keep || cap(d.marks) > keep {
		return
	}
	clear(d.stack[:cap(d.stack)])
	clear(d.memo.dense)
	*d = loader{stack: d.stack[:0], marks: d.marks[:0], memo: loadMemo{dense: d.memo.dense[:0]}}
	loaders.Put(d)
}

// object makes an object. It counts the object, and run checks the limit afterwards.
func (d *loader) object(kind Kind) *Object {
	if len(d.slab) == 0 {
		// An opcode makes one object, so the rest of the pickle makes at most one object for each byte.
		switch d.chunk {
		case 0:
			d.chunk = min(len(d.text)/28+1, 16)
		default:
			d.chunk = min(d.chunk*2, 256)
		}
		d.slab = make([]Object, min(d.chunk, len(d.text)-d.i+1))
	}
	d.left--
	o := &d.slab[0]
	d.slab = d.slab[1:]
	o.Kind = kind
	return o
}

// mayCopy counts n bytes of text that are not part of the pickle. It reports whether they are allowed.
func (d *loader) mayCopy(n int) bool {
	d.spare -= int64(n)
	return d.spare >= 0
}

// now is the offset of the current opcode. It orders the changes of objects. It does not grow beyond 4 GB.
func (d *loader) now() uint32 {
	return uint32(min(uint64(d.at), math.MaxUint32))
}

func (d *loader) fail(msg string) error {
	return &SyntaxError{Offset: d.at, Msg: msg}
}

func (d *loader) truncated() error {
	return d.fail("the pickle ends too early")
}

func (d *loader) tooMany() error {
	return fmt.Errorf("the number of objects is %w at offset %d", ErrTooLarge, d.at)
}

func (d *loader) tooMuchText() error {
	return fmt.Errorf("the text that the pickle repeats is %w at offset %d", ErrTooLarge, d.at)
}

// floor is the height of the stack at the last mark. Opcodes cannot reach below it.
func (d *loader) floor() int {
	if len(d.marks) == 0 {
		return 0
	}
	return d.marks[len(d.marks)-1]
}

func (d *loader) push(o *Object) error {
	d.refs--
	d.stack = append(d.stack, o)
	return nil
}

// top returns the n objects on top of the stack, the lowest first, and leaves them there.
func (d *loader) top(n int) ([]*Object, error) {
	if len(d.stack)-d.floor() < n {
		return nil, d.fail("nothing on the stack")
	}
	return d.stack[len(d.stack)-n:], nil
}

func (d *loader) pop() (*Object, error) {
	top, err := d.top(1)
	if err != nil {
		return nil, err
	}
	d.stack = d.stack[:len(d.stack)-1]
	return top[0], nil
}

func (d *loader) mark() error {
	d.refs--
	d.marks = append(d.marks, len(d.stack))
	return nil
}

// popMark takes the objects above the last mark, and the mark. The result is valid until the next push.
func (d *loader) popMark() ([]*Object, error) {
	if len(d.marks) == 0 {
		return nil, d.fail("no mark")
	}
	start := d.floor()
	items := d.stack[start:]
	d.stack = d.stack[:start]
	d.marks = d.marks[:len(d.marks)-1]
	return items, nil
}

func (d *loader) dropMark() error {
	_, err := d.popMark()
	return err
}

func (d *loader) dup() error {
	top, err := d.top(1)
	if err != nil {
		return err
	}
	return d.push(top[0])
}

// drop is POP. It also removes a mark on top of the stack, since protocol 0 has no POP_MARK.
func (d *loader) drop() error {
	if len(d.marks) > 0 && d.floor() == len(d.stack) {
		return d.dropMark()
	}
	dropped, err := d.pop()
	if err != nil {
		return err
	}
	return d.discard(dropped)
}

// discard keeps a dropped call as a step of the object below it, if that object is the call's first argument. That is how a
// __reduce_ex__ with a state setter is pickled. Any other object that Python drops is a copy of an earlier one.
func (d *loader) discard(dropped *Object) error {
	if dropped.Kind != Reduce || len(d.stack) == d.floor() {
		return nil
	}
	target := d.stack[len(d.stack)-1]
	args := dropped.Call.Args.Items
	if len(args) == 0 || args[0] != target || target.Kind < Global {
		return nil
	}
	d.addStep(target, Discard, dropped)
	return nil
}

// A loadMemo holds objects by the numbers that PUT gave them. Its memory grows with the objects, not with the numbers.
type loadMemo struct {
	dense  []*Object // by number: Python counts up
	sparse map[uint64]*Object
	held   int // how many numbers are in use
}

// gap is how many numbers dense may leave out, since Python 2 starts at 1.
const gap = 4

func (m *loadMemo) find(n uint64) *Object {
	if n < uint64(len(m.dense)) && m.dense[n] != nil {
		return m.dense[n]
	}
	return m.sparse[n]
}

func (m *loadMemo) enter(n uint64, o *Object) {
	if m.find(n) == nil {
		m.held++
	}
	if n > uint64(len(m.dense)+gap) {
		if m.sparse == nil {
			m.sparse = make(map[uint64]*Object)
		}
		m.sparse[n] = o
		return
	}
	for uint64(len(m.dense)) <= n {
		m.dense = append(m.dense, nil)
	}
	m.dense[n] = o
}

// put gives the object on top of the stack a number in the memo.
func (d *loader) put(n uint64) error {
	top, err := d.top(1)
	if err != nil {
		return err
	}
	// Python counts from 0 up, so the pickle has an opcode for every lower number.
	if n >= uint64(len(d.text)) {
		return d.fail("a memo number that is larger than the pickle")
	}
	d.memo.enter(n, top[0])
	if d.memo.held > d.most {
		return d.tooMany()
	}
	return nil
}

// memoize is put with the number of objects in the memo as the number.
func (d *loader) memoize() error {
	return d.put(uint64(d.memo.held))
}

func (d *loader) get(n uint64) error {
	o := d.memo.find(n)
	if o == nil {
		return d.fail("a memo number that no object has")
	}
	return d.push(o)
}

// bytesAhead takes the next n bytes of the pickle.
func (d *loader) bytesAhead(n uint64) (string, error) {
	if n > uint64(len(d.text)-d.i) {
		return "", d.truncated()
	}
	s := d.text[d.i : d.i+int(n)]
	d.i += int(n)
	return s, nil
}

// uint takes a number of width bytes, the lowest byte first.
func (d *loader) uint(width int) (uint64, error) {
	if width > len(d.text)-d.i {
		return 0, d.truncated()
	}
	var n uint64
	for k, c := range []byte(d.text[d.i : d.i+width]) {
		n |= uint64(c) << (8 * k)
	}
	d.i += width
	return n, nil
}

// line takes a line, without its line feed.
func (d *loader) line() (string, error) {
	end := strings.IndexByte(d.text[d.i:], '\n')
	if end < 0 {
		return "", d.truncated()
	}
	s := d.text[d.i : d.i+end]
	d.i += end + 1
	return s, nil
}
