package pickle

import "fmt"

// maxWriteDepth is how deeply what Append writes may nest. It is beyond [DefaultDepth], as a graph that has lost one of
// its paths can be deeper by another.
const maxWriteDepth = 10 * DefaultDepth

// maxWrites is how many objects Append writes, those included that it writes again: an object that
// leads back to itself before it exists is begun anew, as Python does.
const maxWrites = 4 * DefaultObjects

// Append appends the pickle of root in the given protocol, 0 to [HighestProtocol]. The error, with which dst is returned
// as it was, is a [*ValueError] or wraps [ErrTooLarge] or [ErrDepth]: For a part of a
// graph that Load returned, it fails only if the protocol has no form for an object, or if the pickle changed a class.
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

// save appends what makes o and leaves it on top of the stack.
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

// saveNew appends what makes an object that is not in the memo, and enters it.
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
