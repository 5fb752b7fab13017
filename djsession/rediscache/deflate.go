package rediscache

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// level is what both of django-redis's modules of deflate are as good as asked for:
// gzip's own default of 9 makes it slower and nothing smaller.
const level = 6

var zlibWriters = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(io.Discard, level)
	return w
}}

func packZlib(data []byte) ([]byte, error) {
	w := zlibWriters.Get().(*zlib.Writer)
	defer zlibWriters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	return finished(w, &b, data)
}

var zlibReaders sync.Pool // of io.ReadCloser that are zlib.Resetter

// unpackZlib is zlib.decompress, which ignores what follows the stream.
func unpackZlib(stored []byte, limit int) ([]byte, error) {
	in := bytes.NewReader(stored)
	r, _ := zlibReaders.Get().(io.ReadCloser)
	var err error
	if r == nil {
		r, err = zlib.NewReader(in)
	} else {
		err = r.(zlib.Resetter).Reset(in, nil)
	}
	if err != nil {
		return nil, err
	}
	defer zlibReaders.Put(r)
	return readUpTo(limit, r, 3*len(stored))
}

func packGzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	return finished(w, &b, data)
}

// finished writes all there is to a compressor over b.
func finished(w io.WriteCloser, b *bytes.Buffer, data []byte) ([]byte, error) {
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// unpackGzip is gzip.decompress, to which zeros may follow, and other streams, whose
// data are added.
func unpackGzip(stored []byte, limit int) ([]byte, error) {
	in := bytes.NewReader(stored)
	r, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	var all []byte
	guess := 3 * len(stored)
	for {
		r.Multistream(false)
		data, err := readUpTo(limit-len(all), r, guess)
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
		rest := bytes.TrimLeft(stored[len(stored)-in.Len():], "\x00")
		if len(rest) == 0 {
			return all, nil
		}
		in.Reset(rest)
		stored = rest
		guess = 64 // nobody writes several: there may be a million, of nothing each
		if err := r.Reset(in); err != nil {
			return nil, err
		}
	}
}
