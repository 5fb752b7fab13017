// Package compress has django-redis's compressors. It knows bytes and no Redis.
//
// Stored data may be hostile. They decompress to at most a limit, and the memory is in proportion to the data and the limit.
package compress

import (
	"errors"
	"fmt"
	"slices"

	"github.com/djsess/djsess/internal/inflate"
)

// A Compressor is one of django_redis.compressors. The zero Compressor leaves everything as it is.
type Compressor struct {
	// Stream is what the data are called in errors, as package sniff does: "a zlib stream". It is empty for the zero
	// Compressor.
	Stream string

	longerThan int // shorter data are left as they are
	pack       func(data []byte) ([]byte, error)
	unpack     func(stored []byte, limit int) ([]byte, error)
	maxSize    int
}

var byName = map[string]Compressor{
	"":     {},
	"zlib": {Stream: "a zlib stream", longerThan: 15, pack: packZlib, unpack: unpackZlib},
	"gzip": {Stream: "a gzip stream", longerThan: 15, pack: packGzip, unpack: unpackGzip},
	"lzma": {Stream: "an xz stream", longerThan: 100, pack: packXZ, unpack: unpackXZ},
	"lz4":  {Stream: "an lz4 frame", longerThan: 15, pack: packLZ4, unpack: unpackLZ4},
	"zstd": {Stream: "a zstd frame", longerThan: 15, pack: packZstd, unpack: unpackZstd},
}

// New returns the compressor of a module of django_redis.compressors, or the zero Compressor for "". Data decompress to
// at most maxSize bytes. ok reports whether the module is known.
func New(module string, maxSize int) (c Compressor, ok bool) {
	c, ok = byName[module]
	c.maxSize = maxSize
	return c, ok
}

// Compress returns data compressed, or as they are if they are short.
func (c *Compressor) Compress(data []byte) ([]byte, error) {
	if c.pack == nil || len(data) <= c.longerThan {
		return data, nil
	}
	return c.pack(data)
}

// Decompress returns an inflate.ErrTooLarge for data that would be larger than the maximum, and any other error for data
// that are no such stream.
func (c *Compressor) Decompress(stored []byte) ([]byte, error) {
	if c.unpack == nil {
		return stored, nil
	}
	data, err := c.unpack(stored, c.maxSize)
	if errors.Is(err, inflate.ErrTooLarge) {
		err = fmt.Errorf("%s of more than %d bytes: %w", c.Stream, c.maxSize, err)
	}
	return data, err
}

// room returns an empty slice for so many bytes, or for limit bytes if that is less. inflate.Append needs a little more.
func room(size, limit int) []byte {
	const more = 512
	return slices.Grow([]byte(nil), min(size, limit)+more)
}

// usualRatio is how many times its stored length a session is about.
const usualRatio = 3
