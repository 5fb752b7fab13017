package compress

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/djsess/djsess/internal/inflate"
)

// level is the level of zlib and gzip. It is zlib's default. Gzip's default of 9 is slower here, and its output is not smaller.
const level = 6

// finish compresses data with w, which writes to b, and returns the content of b.
func finish(w io.WriteCloser, b *bytes.Buffer, data []byte) ([]byte, error) {
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

var zlibWriters = sync.Pool{New: func() any {
	w, _ := zlib.NewWriterLevel(io.Discard, level)
	return w
}}

func packZlib(data []byte) ([]byte, error) {
	w := zlibWriters.Get().(*zlib.Writer)
	defer zlibWriters.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	return finish(w, &b, data)
}

func unpackZlib(stored []byte, limit int) ([]byte, error) {
	return inflate.Zlib(room(usualRatio*len(stored), limit), stored, limit)
}

func packGzip(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	return finish(w, &b, data)
}

// unpackGzip is Python's gzip.decompress. It skips zeros after the stream, and appends the data of further streams.
func unpackGzip(stored []byte, limit int) ([]byte, error) {
	in := bytes.NewReader(stored)
	r, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	all := room(usualRatio*len(stored), limit)
	for {
		r.Multistream(false)
		if all, err = inflate.Append(all, r, limit-len(all)); err != nil {
			return nil, err
		}
		stored = bytes.TrimLeft(stored[len(stored)-in.Len():], "\x00")
		if len(stored) == 0 {
			return all, nil
		}
		in.Reset(stored)
		if err := r.Reset(in); err != nil {
			return nil, err
		}
	}
}

// packLZ4 writes the frame that lz4.frame.compress writes: blocks of 64 KB, and the length of the data in its header.
func packLZ4(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	err := w.Apply(
		lz4.BlockSizeOption(lz4.Block64Kb),
		lz4.ChecksumOption(false),
		lz4.SizeOption(uint64(len(data))),
		lz4.ConcurrencyOption(1),
	)
	if err != nil {
		return nil, err
	}
	return finish(w, &b, data)
}

func unpackLZ4(stored []byte, limit int) ([]byte, error) {
	r := lz4.NewReader(bytes.NewReader(stored))
	if err := r.Apply(lz4.ConcurrencyOption(1)); err != nil {
		return nil, err
	}
	data, err := inflate.Append(room(usualRatio*len(stored), limit), r, limit)
	if err != nil {
		return nil, err
	}
	return data, nil
}

var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
})

func packZstd(data []byte) ([]byte, error) {
	e, err := zstdEncoder()
	if err != nil {
		return nil, err
	}
	return e.EncodeAll(data, nil), nil
}

// zstdDecoders holds a decoder for each limit. A program has one or two limits.
var zstdDecoders sync.Map

func zstdDecoder(limit int) (*zstd.Decoder, error) {
	if d, ok := zstdDecoders.Load(limit); ok {
		return d.(*zstd.Decoder), nil
	}
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0), // one for each processor
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(limit)),
	)
	if err != nil {
		return nil, err
	}
	kept, _ := zstdDecoders.LoadOrStore(limit, d)
	return kept.(*zstd.Decoder), nil
}

// unpackZstd allocates no memory for the window that a frame claims, since the data are the window.
func unpackZstd(stored []byte, limit int) ([]byte, error) {
	d, err := zstdDecoder(limit)
	if err != nil {
		return nil, err
	}
	data, err := d.DecodeAll(stored, nil)
	switch {
	// A window is never larger than short data.
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(data) > limit:
		return nil, inflate.ErrTooLarge
	}
	return data, err
}
