// Package compress has django-redis's compressors. It works on bytes and does not know Redis.
//
// Stored data may be hostile. Decompressed data are at most as large as a limit, and the memory used is in proportion to
// the stored data and the limit.
package compress

import (
	"errors"
	"fmt"
	"slices"

	"github.com/djsess/djsess/internal/inflate"
)

// A Compressor is a compressor of django_redis.compressors. The zero Compressor returns data unchanged.
type Compressor struct {
	// Stream names the compressed data in errors, in the words of package sniff: "a zlib stream". It is empty for the
	// zero Compressor.
	Stream string

	longerThan int // only longer data are compressed
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

// Compresses reports whether Compress compresses the data.
func (c *Compressor) Compresses(data []byte) bool { return c.pack != nil && len(data) > c.longerThan }

// Compress returns the compressed data, or data itself if it is short.
func (c *Compressor) Compress(data []byte) ([]byte, error) {
	if !c.Compresses(data) {
		return data, nil
	}
	return c.pack(data)
}

// Decompress returns the data in a stream. If they are larger than the maximum, the error is an inflate.ErrTooLarge. Any
// other error means that stored is not such a stream.
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

// room returns an empty slice with a capacity of size or limit, whichever is less, and a little more for inflate.Append.
func room(size, limit int) []byte {
	const more = 512
	return slices.Grow([]byte(nil), min(size, limit)+more)
}

// usualRatio is the usual ratio of a session's length to its compressed length.
const usualRatio = 3
