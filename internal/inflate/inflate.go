// Package inflate decompresses data that may be hostile: a few bytes can inflate to gigabytes, so every call has a limit.
package inflate

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// ErrTooLarge is data that would inflate to more than the limit. Packages signing and djsession export it.
var ErrTooLarge = errors.New("too large")

// Zlib appends what a zlib stream inflates to, at most limit bytes. As Python's zlib.decompress does, it ignores bytes
// after the end of the stream and refuses a stream without its end. After an error it returns dst as it was.
func Zlib(dst, stream []byte, limit int) ([]byte, error) {
	z := NewZlibReader()
	defer z.Release()
	return z.Append(dst, stream, limit)
}

// Append appends everything that a decompressor yields, at most limit bytes. After an error it returns dst as it was.
func Append(dst []byte, decompressor io.Reader, limit int) ([]byte, error) {
	const least = 512 // of room for a read
	out := dst
	for {
		if cap(out)-len(out) < least {
			out = slices.Grow(out, max(len(out)-len(dst), least)) // doubles
		}
		n, err := decompressor.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out)-len(dst) > limit:
			return dst, ErrTooLarge
		case err == io.EOF:
			return out, nil
		case err != nil:
			return dst, err
		}
	}
}

// ZlibReader inflates zlib streams. Its tables are large, so a pool keeps it for reuse.
type ZlibReader struct {
	// Buf is for the caller to keep a stream in. It is not empty from earlier uses, but its content means nothing.
	Buf []byte

	src  bytes.Reader
	zlib io.ReadCloser // a zlib.Resetter; nil before the first use
}

var zlibReaders = sync.Pool{New: func() any { return new(ZlibReader) }}

// NewZlibReader takes a reader from the pool. Release puts it back.
func NewZlibReader() *ZlibReader { return zlibReaders.Get().(*ZlibReader) }

// Release puts the reader back into the pool.
func (z *ZlibReader) Release() {
	const maxKept = 1 << 20
	z.src.Reset(nil) // the pool must not hold on to the caller's data
	if cap(z.Buf) <= maxKept {
		zlibReaders.Put(z)
	}
}

// Append is Zlib.
func (z *ZlibReader) Append(dst, stream []byte, limit int) ([]byte, error) {
	if err := z.reset(stream); err != nil {
		return dst, unexpectedEOF(err)
	}
	return Append(dst, z.zlib, limit)
}

func (z *ZlibReader) reset(stream []byte) (err error) {
	z.src.Reset(stream)
	if z.zlib != nil {
		return z.zlib.(zlib.Resetter).Reset(&z.src, nil)
	}
	z.zlib, err = zlib.NewReader(&z.src)
	return err
}

// unexpectedEOF is the error of a stream that ends within its header.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
