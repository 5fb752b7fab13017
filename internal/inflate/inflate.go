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

// ErrTooLarge is the error for data that would inflate to more than the limit. Packages signing and
// djsession export it.
var ErrTooLarge = errors.New("too large")

// Zlib appends what a zlib stream inflates to, at most limit bytes. As Python's zlib.decompress does, it ignores bytes
// after the end of the stream and refuses a stream without its end. After an error it returns dst as it was.
func Zlib(dst, stream []byte, limit int) ([]byte, error) {
	z := NewZlibReader()
	defer z.Release()
	return z.Append(dst, stream, limit)
}

// Append appends all bytes that a decompressor yields, at most limit. After an error it returns dst
// as it was.
func Append(dst []byte, decompressor io.Reader, limit int) ([]byte, error) {
	const minRoom = 512 // for a read
	out := dst
	for {
		if cap(out)-len(out) < minRoom {
			out = slices.Grow(out, max(len(out)-len(dst), minRoom)) // doubles the room
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
	// Buf is a buffer for the caller, who may keep a stream in it. It may still hold bytes of an
	// earlier use.
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

// Append is Zlib with this reader.
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

// unexpectedEOF turns an io.EOF into an io.ErrUnexpectedEOF: the stream ended within its header.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
