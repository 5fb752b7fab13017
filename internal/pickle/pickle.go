// Package pickle reads and writes Python pickles as data. It never imports or calls anything: it keeps a pickle's imports and
// calls in a graph of [Object]s, and can write the graph back.
//
// [Load] reads every opcode of protocols 0 to 5, except the opcodes for buffers outside of the pickle. [Append] writes a graph
// in any protocol. Python loads an equal graph from it, with the same sharing and the same cycles. For plain data the bytes
// are those of Python's C pickler. Only the order of a set may differ, and objects that Python happens to share, such as short
// strings.
//
// # Where Go follows Python
//
//   - A protocol below 3 names modules and classes as Python 2 did. Python 3 maps the names when it loads and back when it
//     writes, and so does this package. See renames.go.
//   - Bytes below protocol 3, sets below 4 and a bytearray below 5 are calls of the function that makes them. Load returns
//     bytes, sets and bytearrays, and Append writes the call of its protocol.
//   - A str of Python 2 is read as ASCII, which is the default of pickle.loads. Any other str of Python 2 is an error.
//   - Bytes after the STOP opcode are ignored.
//   - A pickle that changes a class or a function (by BUILD, say) can be loaded but not written: it matters when the change
//     happens, and the graph does not say that.
//
// # Hostile pickles
//
// Memory and work are in proportion to the length of the pickle. A length is compared with the rest of the pickle before
// it is used. A large memo number takes no more memory than a small one. An object that many others share counts for each
// of them. [Limits] bound the number of objects and how deeply they nest. A small graph can have endless paths through it,
// by sharing or cycles, so code that follows a graph must count its own steps.
package pickle

import (
	"bytes"
	"errors"
	"fmt"
)

// Load reads a pickle. The strings of the result share one copy of data; data itself is not kept. The error is a
// [*SyntaxError], or wraps [ErrTooLarge] or [ErrDepth].
func Load(data []byte, l Limits) (*Object, error) { return LoadText(string(data), l) }

// LoadText is [Load] without the copy: the strings of the result are parts of data.
func LoadText(data string, l Limits) (*Object, error) {
	root, _, err := load(data, l)
	return root, err
}

// load also returns the number of steps that the depth check took, for tests.
func load(data string, l Limits) (root *Object, steps int, err error) {
	d := newLoader(data, l.objects())
	root, err = d.run()
	d.release()
	if err != nil {
		return nil, 0, err
	}
	var check depthCheck
	if !check.object(root, l.depth()) {
		root, err = nil, fmt.Errorf("objects are %w", ErrDepth)
	}
	return root, check.steps, err
}

// A SyntaxError says where Python's unpickler would refuse a pickle, or do something that must fail later. It never quotes
// the pickle.
type SyntaxError struct {
	Offset int // of the opcode, in bytes
	Msg    string
	// Python2 is true if Python 2 can load the pickle and Python 3 cannot.
	Python2 bool
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at offset %d", e.Msg, e.Offset)
}

// Append appends the pickle of root in the given protocol, 0 to [HighestProtocol]. An error is a [*ValueError] or wraps
// [ErrTooLarge] or [ErrDepth], and dst is then returned as it was. A part of a graph that Load returned is an error only if
// the protocol has no form for an object, or if the pickle changed a class.
func Append(dst []byte, root *Object, protocol int) ([]byte, error) {
	if protocol < 0 || protocol > HighestProtocol {
		return dst, &ValueError{fmt.Sprintf("there is no pickle protocol %d", protocol)}
	}
	a := newAppender(dst, protocol)
	defer a.release()
	if protocol >= 2 {
		a.buf = append(a.buf, opProto, byte(protocol))
	}
	a.startFrame()
	if err := a.save(root, maxWriteDepth); err != nil {
		return dst, err
	}
	a.op(opStop)
	a.endFrame()
	return a.buf, nil
}

// maxWriteDepth is how deeply a graph that Append writes may nest. It is more than [DefaultDepth]: if a caller removes the
// shortest path to an object, the object is deeper by another path.
const maxWriteDepth = 10 * DefaultDepth

// maxWrites is how many objects Append writes at most. An object counts each time that it is written. Like Python, Append
// writes an object again if a part of it leads back to it before it exists.
const maxWrites = 4 * DefaultObjects

// A ValueError says why a graph cannot be written. It never quotes the graph.
type ValueError struct{ Msg string }

func (e *ValueError) Error() string { return e.Msg }

// HighestProtocol is the newest protocol, which Python has since 3.8.
const HighestProtocol = 5

// Protocol returns the protocol of a pickle. A pickle names its protocol from 2 on. Protocols 0 and 1 differ in the first
// opcode that only one of them writes.
func Protocol(data []byte) int {
	if len(data) >= 2 && data[0] == opProto {
		return min(int(data[1]), HighestProtocol)
	}
	for len(data) > 0 {
		op := data[0]
		data = data[1:]
		lines := 0
		switch op {
		case opMark, opNone:
		case opGlobal, opInst:
			lines = 2
		case opLong:
			lines = 1
		case opInt:
			// Protocol 1 writes only True and False with this opcode.
			if !bytes.HasPrefix(data, []byte("00\n")) && !bytes.HasPrefix(data, []byte("01\n")) {
				return 0
			}
			lines = 1
		case opFloat, opUnicode, opString, opPut, opGet, opDict, opList, opPersID, opStop:
			return 0
		default:
			return 1
		}
		for range lines {
			_, data, _ = bytes.Cut(data, []byte("\n"))
		}
	}
	return 0
}

// Limits bound the objects that a pickle makes. The zero value means the defaults.
type Limits struct {
	// Objects is how many objects the pickle may make, including objects that it drops again. Default:
	// [DefaultObjects]. The pickle may have four references for each object and for each of its own bytes.
	Objects int
	// Depth is how deeply objects may nest. Default: [DefaultDepth].
	Depth int
}

// DefaultObjects is the default of [Limits].Objects.
const DefaultObjects = 1 << 20

// DefaultDepth is the default of [Limits].Depth. It is Python's recursion limit, at which its pickler stops.
const DefaultDepth = 1000

func (l Limits) objects() int {
	if l.Objects == 0 {
		return DefaultObjects
	}
	return l.Objects
}

func (l Limits) depth() int {
	if l.Depth == 0 {
		return DefaultDepth
	}
	return l.Depth
}

// maxIntDigits is Python's sys.get_int_max_str_digits: Python neither reads nor writes longer decimal integers.
const maxIntDigits = 4300

// ErrTooLarge is the error for a pickle that makes more objects than its [Limits] allow, or repeats far more text than it is
// long. It is also the error for a graph whose pickle would be far larger than the graph.
var ErrTooLarge = errors.New("too large")

// ErrDepth is the error for objects that nest deeper than allowed.
var ErrDepth = errors.New("nested too deeply")

// A depthCheck checks the depth of a graph after it was loaded.
type depthCheck struct{ steps int } // how often object was called

// object reports whether the objects from o on nest at most depth deep. It follows an object only the first time that it
// reaches it. So there are as many steps as references, which the loader bounds. It marks only objects that hold other objects,
// since the others may be shared with other pickles.
func (c *depthCheck) object(o *Object, depth int) bool {
	c.steps++
	if len(o.Items) == 0 && o.Call == nil || o.walked {
		return true
	}
	if depth <= 0 {
		return false
	}
	o.walked = true
	if !c.all(o.Items, depth-1) {
		return false
	}
	if o.Call == nil {
		return true
	}
	for _, part := range [...]*Object{o.Call.Callable, o.Call.Args, o.Call.Kwargs} {
		if part != nil && !c.object(part, depth-1) {
			return false
		}
	}
	for _, step := range o.Call.Steps {
		if !c.all(step.Items, depth-1) {
			return false
		}
	}
	return true
}

func (c *depthCheck) all(objects []*Object, depth int) bool {
	for _, o := range objects {
		if !c.object(o, depth) {
			return false
		}
	}
	return true
}
