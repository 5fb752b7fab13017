package pickle

import (
	"math"
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
	chunk int // how large the last slab was
	left  int // objects that may yet be made
	most  int // left at the start
	refs  int // references, and marks, that may yet be made
	spare int // bytes of text that may yet be made beyond the pickle's own
}

var loaders = sync.Pool{New: func() any { return new(loader) }}

func newLoader(text string, objects int) *loader {
	d := loaders.Get().(*loader)
	*d = loader{
		text: text,
		left: objects,
		most: objects,
		refs: min(refsPerObject*objects, refsPerByte*len(text)+1024),
		// Of what Python writes, only short names of modules are repeated.
		spare: 16*len(text) + 1024,
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
	d.spare -= n
	return d.spare >= 0
}

// now tells of two opcodes which was first; in a pickle of more than 4 GB it stops at the last that it can tell.
func (d *loader) now() uint32 {
	return uint32(min(d.at, math.MaxUint32))
}

func (d *loader) fail(msg string) error {
	return &SyntaxError{Offset: d.at, Msg: msg}
}

func (d *loader) truncated() error {
	return d.fail("the pickle ends too early")
}
