package rediscache

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/djsess/djsess/djsession"
)

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

// zstdDecoders are by their limits, of which a program has one or two.
var zstdDecoders sync.Map

func zstdDecoder(limit int) (*zstd.Decoder, error) {
	if d, ok := zstdDecoders.Load(limit); ok {
		return d.(*zstd.Decoder), nil
	}
	d, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0), // as many at once as there are processors
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(limit)),
	)
	if err != nil {
		return nil, err
	}
	kept, _ := zstdDecoders.LoadOrStore(limit, d)
	return kept.(*zstd.Decoder), nil
}

// unpackZstd takes no memory for the window that a frame claims: the data themselves
// are it.
func unpackZstd(stored []byte, limit int) ([]byte, error) {
	d, err := zstdDecoder(limit)
	if err != nil {
		return nil, err
	}
	data, err := d.DecodeAll(stored, nil)
	switch {
	// A window is no larger than the data, if these are short.
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded), err == nil && len(data) > limit:
		return nil, djsession.ErrTooLarge
	}
	return data, err
}
