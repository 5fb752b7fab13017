package signing

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// inflater is a zlib reader kept for reuse, with what it reads from.
type inflater struct {
	packed []byte // the deflated bytes
	src    bytes.Reader
	z      io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// maxKept is how large a buffer may be to be kept for the next object.
const maxKept = 1 << 20

func (f *inflater) release() {
	if cap(f.packed) <= maxKept {
		inflaters.Put(f)
	}
}

// append appends what packed inflates to, limit bytes at most. Bytes after the
// end of the stream are ignored, a stream without its end is not: both as
// zlib.decompress has it.
func (f *inflater) append(dst []byte, limit int) ([]byte, error) {
	f.src.Reset(f.packed)
	var err error
	if f.z == nil {
		f.z, err = zlib.NewReader(&f.src)
	} else {
		err = f.z.(zlib.Resetter).Reset(&f.src, nil)
	}
	if err != nil {
		return nil, eofIsUnexpected(err)
	}
	start := len(dst)
	for {
		if cap(dst)-len(dst) < 512 {
			dst = slices.Grow(dst, max(len(dst)-start, 512)) // doubles
		}
		n, err := f.z.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if len(dst)-start > limit {
			return nil, ErrTooLarge
		}
		if err == io.EOF {
			return dst, nil
		}
		if err != nil {
			return nil, eofIsUnexpected(err)
		}
	}
}

func eofIsUnexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// The levels of this library that together come closest to what C zlib makes of a
// session at its default, 6. Its fast levels look for no repetitions in less than
// 128 bytes, and store what has none but could be coded in fewer bits, such as
// base64; then the thorough one is worth its twofold time.
const (
	fastLevel     = 6
	thoroughLevel = 7
	fastFrom      = 128
)

// deflater is a zlib writer kept for reuse: its tables are large.
type deflater struct {
	buf bytes.Buffer
	z   *zlib.Writer
}

func deflaters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		d := new(deflater)
		d.z, _ = zlib.NewWriterLevel(&d.buf, level) // fails for no such level
		return d
	}}
}

var fast, thorough = deflaters(fastLevel), deflaters(thoroughLevel)

// deflated calls use with the compressed data, which is only lent.
func deflated(data []byte, use func(compressed []byte)) {
	if len(data) < fastFrom || !deflateWith(fast, data, use) {
		deflateWith(thorough, data, use)
	}
}

// deflateWith uses what a pool's writers make of the data; the fast ones' only when
// it is smaller.
func deflateWith(pool *sync.Pool, data []byte, use func(compressed []byte)) (used bool) {
	d := pool.Get().(*deflater)
	defer func() {
		if d.buf.Cap() <= maxKept {
			pool.Put(d)
		}
	}()
	d.buf.Reset()
	d.z.Reset(&d.buf)
	// Writing to a bytes.Buffer does not fail.
	d.z.Write(data)
	d.z.Close()
	if pool == fast && d.buf.Len() >= len(data) {
		return false
	}
	use(d.buf.Bytes())
	return true
}
