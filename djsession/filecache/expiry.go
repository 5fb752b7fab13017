package filecache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/cachestore"
)

// expiry is what a file begins with: Unix seconds, +Inf for None.
type expiry float64

// after is when an item ends that is written now. Django takes a second off where
// the timeout is 0.
func after(now time.Time, timeout time.Duration) expiry {
	if timeout == 0 {
		timeout = -time.Second
	}
	return expiry(unix(now) + timeout.Seconds())
}

const yearOne = -62135596800 // the zero Time

// unix is Python's time.time().
func unix(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// ended is as Django has it, for which NaN has no end either.
func (e expiry) ended(now time.Time) bool { return float64(e) < unix(now) }

// time returns the instant, as Python's datetime rounds it. It is never the zero Time,
// which would mean that the item does not end.
func (e expiry) time() time.Time {
	whole, fraction := math.Modf(float64(e))
	switch {
	case !(float64(e) < float64(cachestore.Never.Unix())):
		return cachestore.Never
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

// protocolOf is the highest protocol of the oldest Python that a Django runs on.
func protocolOf(djangoVersion string) byte {
	major, _, _ := strings.Cut(djangoVersion, ".")
	if n, _ := strconv.Atoi(major); n >= 4 {
		return 5
	}
	return 4
}

// append appends pickle.dumps of the float.
func (e expiry) append(dst []byte, protocol byte) []byte {
	const frame = 1 + 8 + 1 // all that follows
	dst = append(dst, opProto, protocol, opFrame)
	dst = binary.LittleEndian.AppendUint64(dst, frame)
	dst = append(dst, opBinFloat)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(float64(e)))
	return append(dst, opStop)
}

// errNoExpiry: it is not a file of Django's, or one that was cut short.
var errNoExpiry = errors.New("it does not begin with a pickled float or None, the expiry")

// cutExpiry takes the expiry, in any protocol, off a file's content. Django takes an
// empty file for one that ended long ago.
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
