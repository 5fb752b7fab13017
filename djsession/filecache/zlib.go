package filecache

import (
	"bytes"
	"io"
	"slices"
	"sync"

	"github.com/djsess/djsess/djsession"
	"github.com/klauspost/compress/zlib"
)

// Both are large, and kept for reuse.
var (
	inflaters sync.Pool // of io.ReadCloser
	deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}
)

// inflate is zlib.decompress, which ignores what follows the stream: Django's touch
// leaves the end of a longer file there.
func inflate(data []byte, limit int) ([]byte, error) {
	src := bytes.NewReader(data)
	z, ok := inflaters.Get().(io.ReadCloser)
	var err error
	if ok {
		err = z.(zlib.Resetter).Reset(src, nil)
	} else {
		z, err = zlib.NewReader(src)
	}
	if err != nil {
		return nil, whole(err)
	}
	defer inflaters.Put(z)
	var out []byte
	for {
		if cap(out)-len(out) < 512 {
			out = slices.Grow(out, max(len(out), 512)) // doubles
		}
		n, err := z.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, djsession.ErrTooLarge
		case err == io.EOF:
			return out, nil
		case err != nil:
			return nil, whole(err)
		}
	}
}

// whole is the error for a stream that ends too early.
func whole(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendDeflated is zlib.compress.
func appendDeflated(dst, data []byte) []byte {
	buf := bytes.NewBuffer(dst)
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(buf)
	z.Write(data) // to a bytes.Buffer, which does not fail
	z.Close()
	return buf.Bytes()
}
