package rediscache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"

	"github.com/ulikunitz/xz/lzma"

	"github.com/djsess/djsess/djsession"
)

// xzBlock decompresses one block: a header, LZMA2, and a check.
func xzBlock(block []byte, size int, check func() hash.Hash) ([]byte, error) {
	dict, header, err := xzBlockHeader(block)
	if err != nil {
		return nil, err
	}
	// Each chunk can make the decoder rebuild its tables, of 28 KB. xz writes chunks that are as large as they can be, so it writes few.
	if lzma2Chunks(block[header:]) > 64+size/1024 {
		return nil, fmt.Errorf("%w: chunks", errXZ)
	}
	in := bytes.NewReader(block[header:])
	// A dictionary larger than the data is never used.
	dict = min(dict, int64(size))
	r, err := lzma.Reader2Config{DictCap: max(int(dict), lzma.MinDictCap)}.NewReader2(in)
	if err != nil {
		return nil, err
	}
	data, err := readUpTo(size, r, size)
	switch {
	case err != nil && !errors.Is(err, djsession.ErrTooLarge):
		return nil, err
	case err != nil || len(data) != size:
		return nil, fmt.Errorf("%w: index", errXZ)
	}
	sum := check()
	sum.Write(data)
	padding := (4 - (in.Size()-int64(in.Len()))%4) % 4
	if tail := block[len(block)-in.Len():]; int64(len(tail)) != padding+int64(sum.Size()) || !bytes.Equal(tail[padding:], sum.Sum(nil)) {
		return nil, fmt.Errorf("%w: check", errXZ)
	}
	return data, nil
}

// lzma2Chunks counts the chunks of LZMA2 by their headers, up to the end or to a broken one.
func lzma2Chunks(data []byte) (n int) {
	const end, compressed, properties = 0x00, 0x80, 0xc0
	for ; len(data) > 0 && data[0] != end; n++ {
		header, size := 3, 1 // the length of the header, and the offset in it of the size of what follows
		if data[0] >= compressed {
			header, size = 5, 3
		}
		if data[0] >= properties {
			header++
		}
		if len(data) < header {
			break
		}
		taken := header + int(binary.BigEndian.Uint16(data[size:])) + 1
		data = data[min(taken, len(data)):]
	}
	return n
}

// xzBlockHeader returns how large a dictionary the block needs, and where its data begin.
// Only LZMA2 without other filters is known: more is never asked of Python's lzma.
func xzBlockHeader(block []byte) (dict int64, size int, err error) {
	if len(block) > 0 {
		size = 4 * (int(block[0]) + 1)
	}
	if size < 8 || size > len(block) || block[0] == 0 ||
		crc32.ChecksumIEEE(block[:size-4]) != binary.LittleEndian.Uint32(block[size-4:]) {
		return 0, 0, fmt.Errorf("%w: block header", errXZ)
	}
	const packedSize, dataSize, onlyFilters = 0x40, 0x80, 0x3f
	flags, fields := block[1], block[2:size-4]
	for _, there := range []byte{packedSize, dataSize} {
		if flags&there != 0 {
			_, n := binary.Uvarint(fields)
			if n <= 0 {
				return 0, 0, fmt.Errorf("%w: block header", errXZ)
			}
			fields = fields[n:]
		}
	}
	const lzma2, propertySize = 0x21, 1
	if flags&onlyFilters != 0 || len(fields) < 3 || fields[0] != lzma2 || fields[1] != propertySize {
		return 0, 0, fmt.Errorf("%w: a filter other than LZMA2", errXZ)
	}
	dict, err = lzma.DecodeDictCap(fields[2])
	return dict, size, err
}

// xzChecks are the checks of a stream by their numbers.
var xzChecks = map[byte]func() hash.Hash{
	0x00: func() hash.Hash { return noHash{crc32.NewIEEE()} },
	0x01: func() hash.Hash { return littleEndian{crc32.NewIEEE()} },
	0x04: func() hash.Hash { return littleEndian{crc64.New(crc64.MakeTable(crc64.ECMA))} },
	0x0a: sha256.New,
}

// littleEndian is a checksum as xz writes it.
type littleEndian struct{ hash.Hash }

func (h littleEndian) Sum(dst []byte) []byte {
	sum := h.Hash.Sum(nil)
	for i := len(sum) - 1; i >= 0; i-- {
		dst = append(dst, sum[i])
	}
	return dst
}

// noHash is the check of a stream that has none.
type noHash struct{ hash.Hash }

func (noHash) Size() int             { return 0 }
func (noHash) Sum(dst []byte) []byte { return dst }
