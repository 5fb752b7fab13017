package signing

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"math"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// maxKept bounds the buffers that are kept for the next object.
const maxKept = 1 << 20

// Of this library's ways to deflate, these together come closest to what C zlib makes
// of a session at its default, level 6. The stateless one suits a login: its table
// is small, and those of the levels are not in the processor's cache when a request
// comes. Both it and the fast level look for no repetitions in very short data, and
// store what has none but could be coded in fewer bits, such as base64. The
// thorough level does better there, and takes its time.
const (
	quickFrom      = 128
	statelessBelow = 256
	fastLevel      = 6
	thoroughLevel  = 7
)

// deflater is a zlib writer kept for reuse: its tables are large.
type deflater struct {
	buf bytes.Buffer
	z   *zlib.Writer // nil for a stateless one
}

func deflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		d := new(deflater)
		if level > 0 {
			d.z, _ = zlib.NewWriterLevel(&d.buf, level) // fails for no such level
		}
		return d
	}}
}

var stateless, fast, thorough = deflaters(0), deflaters(fastLevel), deflaters(thoroughLevel)

// deflated calls use with the compressed data, which is only lent.
func deflated(data []byte, use func(compressed []byte)) {
	quick := fast
	if len(data) < statelessBelow {
		quick = stateless
	}
	if len(data) < quickFrom || !deflateWith(quick, data, len(data), use) {
		deflateWith(thorough, data, math.MaxInt, use)
	}
}

// deflateWith uses what a pool's writers make of the data, if it is less than that.
func deflateWith(pool *sync.Pool, data []byte, limit int, use func(compressed []byte)) (used bool) {
	d := pool.Get().(*deflater)
	defer func() {
		if d.buf.Cap() <= maxKept {
			pool.Put(d)
		}
	}()
	d.buf.Reset()
	// Writing to a bytes.Buffer does not fail.
	if d.z != nil {
		d.z.Reset(&d.buf)
		d.z.Write(data)
		d.z.Close()
	} else {
		d.buf.WriteString("\x78\x9c") // zlib's header at its default level
		flate.StatelessDeflate(&d.buf, data, true, nil)
		d.buf.Write(binary.BigEndian.AppendUint32(d.buf.AvailableBuffer(), adler32.Checksum(data)))
	}
	if d.buf.Len() >= limit {
		return false
	}
	use(d.buf.Bytes())
	return true
}
