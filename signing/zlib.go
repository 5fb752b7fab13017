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

// deflateLevel comes closest to what C zlib makes of a session at its default, 6:
// this library's lower levels look for no repetitions in short input, and store
// what has none but could be coded in fewer bits.
const deflateLevel = 7

// deflater is a zlib writer kept for reuse: its tables are large.
type deflater struct {
	buf bytes.Buffer
	z   *zlib.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := new(deflater)
	d.z, _ = zlib.NewWriterLevel(&d.buf, deflateLevel) // fails for no such level
	return d
}}

// deflated calls use with the compressed data, which is only lent.
func deflated(data []byte, use func(compressed []byte)) {
	d := deflaters.Get().(*deflater)
	defer func() {
		if d.buf.Cap() <= maxKept {
			deflaters.Put(d)
		}
	}()
	d.buf.Reset()
	d.z.Reset(&d.buf)
	// Writing to a bytes.Buffer does not fail.
	d.z.Write(data)
	d.z.Close()
	use(d.buf.Bytes())
}
