package rediscache

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/djsess/djsess/djsession"
)

// Compressor is one of django-redis's compressors, by the module that it has in
// django_redis.compressors. Each leaves alone what is short, and reads what does not
// decompress as it is.
type Compressor string

const (
	Uncompressed Compressor = ""     // IdentityCompressor
	Zlib         Compressor = "zlib" // ZlibCompressor, level 6
	Gzip         Compressor = "gzip" // GzipCompressor, since django-redis 5.5
	LZMA         Compressor = "lzma" // LzmaCompressor: xz, preset 4
	LZ4          Compressor = "lz4"  // Lz4Compressor: the frame format
	Zstd         Compressor = "zstd" // ZStdCompressor
)

// Compressors are all of them.
var Compressors = []Compressor{Uncompressed, Zlib, Gzip, LZMA, LZ4, Zstd}

// compressor is what a Compressor stands for. Nothing inflates to more than a limit.
type compressor struct {
	makes   string // as internal/magic calls it
	longer  int    // only what is longer is compressed
	pack    func(data []byte) ([]byte, error)
	unpack  func(stored []byte, limit int) ([]byte, error)
	maxSize int
}

func newCompressor(name Compressor, maxSize int) (c compressor, err error) {
	const short, shortForLZMA = 15, 100
	switch name {
	case Uncompressed:
	case Zlib:
		c = compressor{"a zlib stream", short, packZlib, unpackZlib, maxSize}
	case Gzip:
		c = compressor{"a gzip stream", short, packGzip, unpackGzip, maxSize}
	case LZMA:
		c = compressor{"an xz stream", shortForLZMA, packXZ, unpackXZ, maxSize}
	case LZ4:
		c = compressor{"an lz4 frame", short, packLZ4, unpackLZ4, maxSize}
	case Zstd:
		c = compressor{"a zstd frame", short, packZstd, unpackZstd, maxSize}
	default:
		known := make([]string, 0, len(Compressors)-1)
		for _, k := range Compressors[1:] {
			known = append(known, string(k))
		}
		err = fmt.Errorf("unknown compressor %q: want one of %s", name, strings.Join(known, ", "))
	}
	return c, err
}

func (c *compressor) compress(data []byte) ([]byte, error) {
	if c.pack == nil || len(data) <= c.longer {
		return data, nil
	}
	return c.pack(data)
}

// decompress returns an ErrTooLarge for what would inflate to more than there may
// be, and any other error for what it cannot read.
func (c *compressor) decompress(stored []byte) ([]byte, error) {
	if c.unpack == nil {
		return stored, nil
	}
	data, err := c.unpack(stored, c.maxSize)
	if errors.Is(err, djsession.ErrTooLarge) {
		err = fmt.Errorf("%s of more than %d bytes: %w", c.makes, c.maxSize, err)
	}
	return data, err
}

// readUpTo reads all there is, if that is not more than limit.
func readUpTo(limit int, r io.Reader, guess int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(min(guess, limit) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, err
	case n > int64(limit):
		return nil, djsession.ErrTooLarge
	}
	return slices.Clip(b.Bytes()), nil
}
