package serializer

import (
	"encoding/binary"

	"github.com/djsess/djsess/internal/pickle"
)

// Python has two classes for extension types of MessagePack: the named tuple ExtType, and Timestamp for the code -1, which has
// slots. Their instances have the form that pickle gives them.
var (
	extType        = pickle.NewGlobal("msgpack.ext", "ExtType")
	timestampClass = pickle.NewGlobal("msgpack.ext", "Timestamp")
)

const timestampCode = -1

func newExtension(code int8, data []byte) *pickle.Object {
	args := pickle.NewTuple(pickle.NewInt(int64(code)), pickle.NewBytes(string(data)))
	return &pickle.Object{Kind: pickle.NewObj, Call: &pickle.Call{Callable: extType, Args: args}}
}

func extensionOf(o *pickle.Object) (code int8, data []byte, ok bool) {
	call := o.Call
	if o.Kind != pickle.NewObj || !isClass(call.Callable, extType) || len(call.Args.Items) != 2 || len(call.Steps) > 0 {
		return 0, nil, false
	}
	n, bytes := call.Args.Items[0], call.Args.Items[1]
	if n.Kind != pickle.Int || n.Text != "" || n.Int < 0 || n.Int > 127 || bytes.Kind != pickle.Bytes {
		return 0, nil, false
	}
	return int8(n.Int), []byte(bytes.Text), true
}

func isClass(o, class *pickle.Object) bool {
	return o != nil && o.Kind == pickle.Global && o.Text == class.Text
}

func newTimestamp(seconds, nanos int64) *pickle.Object {
	slots := pickle.NewDict(
		pickle.NewStr("seconds"), pickle.NewInt(seconds),
		pickle.NewStr("nanoseconds"), pickle.NewInt(nanos),
	)
	return &pickle.Object{Kind: pickle.NewObj, Call: &pickle.Call{
		Callable: timestampClass,
		Args:     pickle.NewTuple(),
		Steps:    []pickle.Step{{Kind: pickle.Build, Items: []*pickle.Object{pickle.NewTuple(pickle.NewNone(), slots)}}},
	}}
}

func timestampOf(o *pickle.Object) (seconds, nanos int64, ok bool) {
	call := o.Call
	if o.Kind != pickle.NewObj || !isClass(call.Callable, timestampClass) || len(call.Steps) != 1 || call.Steps[0].Kind != pickle.Build {
		return 0, 0, false
	}
	state := call.Steps[0].Items[0]
	if state.Kind != pickle.Tuple || len(state.Items) != 2 || state.Items[1].Kind != pickle.Dict {
		return 0, 0, false
	}
	// A pickle may refer to one large dict a million times. The dict of a Timestamp has two slots.
	if len(state.Items[1].Items) > 4 {
		return 0, 0, false
	}
	slots := map[string]int64{}
	for items := state.Items[1].Items; len(items) >= 2; items = items[2:] {
		if items[1].Kind == pickle.Int && items[1].Text == "" {
			slots[items[0].Text] = items[1].Int
		}
	}
	seconds, ok1 := slots["seconds"]
	nanos, ok2 := slots["nanoseconds"]
	return seconds, nanos, ok1 && ok2 && 0 <= nanos && nanos < 1e9
}

// timestamp returns the shortest of the three forms that a timestamp fits into.
func timestamp(seconds, nanos int64) []byte {
	switch {
	case seconds>>34 != 0:
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, uint32(nanos)), uint64(seconds))
	case nanos == 0 && seconds>>32 == 0:
		return binary.BigEndian.AppendUint32(nil, uint32(seconds))
	}
	return binary.BigEndian.AppendUint64(nil, uint64(nanos)<<34|uint64(seconds))
}

// parseTimestamp reads any of the three forms.
func parseTimestamp(data []byte) (seconds, nanos int64, ok bool) {
	switch len(data) {
	case 4:
		seconds = int64(binary.BigEndian.Uint32(data))
	case 8:
		both := binary.BigEndian.Uint64(data)
		seconds, nanos = int64(both&(1<<34-1)), int64(both>>34)
	case 12:
		seconds, nanos = int64(binary.BigEndian.Uint64(data[4:])), int64(binary.BigEndian.Uint32(data))
	default:
		return 0, 0, false
	}
	return seconds, nanos, nanos < 1e9
}
