package pickle

import (
	"fmt"
	"math"
	"strings"
	"sync"
)

// A loader is the machine that a pickle is a program for.
type loader struct {
	text  string
	at    int // where the opcode is
	i     int // where its argument, or the next opcode, begins
	proto int // as said by PROTO so far: Python 2's names count below 3

	stack []*Object
	marks []int // how high the stack was
	memo  loadMemo

	slab  []Object
	chunk int   // how large the last slab was
	left  int   // objects that may yet be made
	most  int   // left at the start
	refs  int64 // references, and marks, that may yet be made
	spare int64 // bytes of text that may yet be made beyond the pickle's own
}

var loaders = sync.Pool{New: func() any { return new(loader) }}

func newLoader(text string, objects int) *loader {
	d := loaders.Get().(*loader)
	*d = loader{
		text: text,
		left: objects,
		most: objects,
		refs: min(refsPerObject*int64(objects), refsPerByte*int64(len(text))+1024),
		// Of what Python writes, only short names of modules are repeated.
		spare: 16*int64(len(text)) + 1024,
		stack: d.stack,
		marks: d.marks,
		memo:  loadMemo{dense: d.memo.dense},
	}
	return d
}

// refsPerObject is how often the objects that a pickle may make are referred to, on the
// average and at most: None, small integers and what the memo holds make no objects, and a
// byte of a pickle that compresses well still takes eight where it stands.
const refsPerObject = 4

// refsPerByte bounds the references by the length of a pickle. An opcode of one byte pushes
// one object, and in what Python writes that object then goes into one other. A set is made
// of a list and refers to all of its items again, and a hostile pickle can make many sets of
// one list.
const refsPerByte = 4

// keep is how large the stack and the memo of a loader may be that waits for the next pickle.
const keep = 1 << 10

// release leaves nothing of this pickle behind.
func (d *loader) release() {
	if cap(d.stack) > keep || cap(d.memo.dense) > keep || cap(d.marks) > keep {
		return
	}
	clear(d.stack[:cap(d.stack)])
	clear(d.memo.dense)
	*d = loader{stack: d.stack[:0], marks: d.marks[:0], memo: loadMemo{dense: d.memo.dense[:0]}}
	loaders.Put(d)
}

// object makes an object. Beyond the limit it makes one all the same, which run then refuses.
func (d *loader) object(kind Kind) *Object {
	if len(d.slab) == 0 {
		// An opcode makes one object: the opcodes to come cannot make more than they have bytes.
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

// mayCopy accounts for n bytes of text that are not part of the pickle.
func (d *loader) mayCopy(n int) bool {
	d.spare -= int64(n)
	return d.spare >= 0
}

// now tells of two opcodes which was first; in a pickle of more than 4 GB it stops at the last that it can tell.
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
	return fmt.Errorf("the text that is made of others is %w at offset %d", ErrTooLarge, d.at)
}

// floor is how low the stack can get: what is below the last mark is out of reach.
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

// popMark takes what is above the last mark, and the mark. The result is good until the next push.
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

// drop is POP, which takes a mark if that is on top: protocol 0 has no POP_MARK.
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

// discard keeps a call for its effect on the object below it, which it was given first: that is how a __reduce_ex__
// with a state setter is pickled. All else that Python drops is what it found to be there already.
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
	dense  []*Object // by number: Python numbers them one after the other
	sparse map[uint64]*Object
	held   int // how many numbers are in use
}

// gap is how many numbers dense may leave out: Python 2 began at 1.
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
	// Python numbers from 0 on: a number needs an opcode for every one below it.
	if n >= uint64(len(d.text)) {
		return d.fail("a memo number beyond what the pickle can hold")
	}
	d.memo.enter(n, top[0])
	if d.memo.held > d.most {
		return d.tooMany()
	}
	return nil
}

// memoize is put, by the number of objects that are in the memo.
func (d *loader) memoize() error {
	return d.put(uint64(d.memo.held))
}

func (d *loader) get(n uint64) error {
	o := d.memo.find(n)
	if o == nil {
		return d.fail("a memo number that nothing has")
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

// uint takes a number of so many bytes, the lowest first.
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

// line takes a line, of which the line feed is not part.
func (d *loader) line() (string, error) {
	end := strings.IndexByte(d.text[d.i:], '\n')
	if end < 0 {
		return "", d.truncated()
	}
	s := d.text[d.i : d.i+end]
	d.i += end + 1
	return s, nil
}
