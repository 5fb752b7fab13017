package filecache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/djsess/djsess/djsession"
)

// expiry is the beginning of a file: Unix seconds, or +Inf for None.
type expiry float64

// newExpiry returns the expiry of an item that is written now. Django turns a timeout of 0 into -1
// second.
func newExpiry(now time.Time, timeout time.Duration) expiry {
	if timeout == 0 {
		timeout = -time.Second
	}
	return expiry(unix(now) + timeout.Seconds())
}

const yearOne = -62135596800 // the zero Time

// unix returns a time as Python's time.time() does.
func unix(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// hasEnded reports whether an item has ended. As in Django, an item whose expiry is NaN never ends.
func (e expiry) hasEnded(now time.Time) bool { return float64(e) < unix(now) }

// time returns the instant, as Python's datetime rounds it. It is never the zero Time,
// which would mean that the item does not end.
func (e expiry) time() time.Time {
	whole, fraction := math.Modf(float64(e))
	switch {
	case !(float64(e) < float64(djsession.Never.Unix())):
		return djsession.Never
	case float64(e) <= yearOne:
		whole, fraction = yearOne, 1e-6
	}
	return time.Unix(int64(whole), int64(math.RoundToEven(fraction*1e6))*1000).UTC()
}

// The few opcodes that a pickled float or None is made of.
const (
	opProto    = 0x80
	opFrame    = 0x95
	opFloat    = 'F' // as text
	opBinFloat = 'G'
	opNone     = 'N'
	opStop     = '.'
)

// protocolOf returns the highest protocol of the oldest Python that the site's Django runs on.
func protocolOf(s *djsession.Settings) byte {
	if s.AtLeast(4, 0) {
		return 5
	}
	return 4
}

// append appends Python's pickle.dumps of the float.
func (e expiry) append(dst []byte, protocol byte) []byte {
	const frame = 1 + 8 + 1 // the length of the rest
	dst = append(dst, opProto, protocol, opFrame)
	dst = binary.LittleEndian.AppendUint64(dst, frame)
	dst = append(dst, opBinFloat)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(e)))
	return append(dst, opStop)
}

// errNoExpiry: Django did not write the file, or the file was cut short.
var errNoExpiry = errors.New("it does not begin with a pickled float or None, the expiry")

// cutExpiry splits a file's content into the expiry, in any protocol, and the rest. Like Django
// it reads an empty file as an item that ended long ago.
func cutExpiry(data []byte) (e expiry, rest []byte, err error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	if len(data) >= 2 && data[0] == opProto {
		data = data[2:]
	}
	if len(data) >= 9 && data[0] == opFrame {
		data = data[9:]
	}
	switch {
	case len(data) >= 2 && data[0] == opNone:
		e, data = expiry(math.Inf(1)), data[1:]
	case len(data) >= 10 && data[0] == opBinFloat:
		e, data = expiry(math.Float64frombits(binary.BigEndian.Uint64(data[1:]))), data[9:]
	case len(data) > 0 && data[0] == opFloat:
		const longest = 32 // of a float's repr, and more
		end := bytes.IndexByte(data[:min(len(data), longest)], '\n')
		if end < 0 {
			return 0, nil, errNoExpiry
		}
		f, err := strconv.ParseFloat(string(data[1:end]), 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, nil, errNoExpiry
		}
		e, data = expiry(f), data[end+1:]
	default:
		return 0, nil, errNoExpiry
	}
	if len(data) == 0 || data[0] != opStop {
		return 0, nil, errNoExpiry
	}
	return e, data[1:], nil
}
