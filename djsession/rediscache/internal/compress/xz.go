package compress

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/djsess/djsess/internal/inflate"
)

// xzWindow is the dictionary of liblzma's preset 4.
const xzWindow = 4 << 20

func packXZ(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: min(max(len(data), lzma.MinDictCap), xzWindow)}.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	return finish(w, &b, data)
}

// An xz stream has a header, blocks, an index and a footer. Each consists of words of 4 bytes.
const (
	xzMagic     = "\xfd7zXZ\x00"
	xzEnd       = "YZ"
	xzHeader    = 12
	xzFooter    = 12
	xzMaxBlocks = 1 << 10
)

var errXZ = errors.New("damaged xz stream")

// unpackXZ reads one xz stream, as lzma.compress writes it. It parses the container itself, since package xz allocates as
// much memory as the header of a block asks for, up to 4 GB. unpackXZ reads the size of the data from the index at the end
// before it decompresses anything.
func unpackXZ(stored []byte, limit int) ([]byte, error) {
	check, index, err := xzFrame(stored)
	if err != nil {
		return nil, err
	}
	records, err := xzRecords(index)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, r := range records {
		if total += r.data; r.data > uint64(limit) || total > uint64(limit) {
			return nil, inflate.ErrTooLarge
		}
	}
	blocks := stored[xzHeader : len(stored)-xzFooter-len(index)]
	var all []byte
	for _, r := range records {
		padded := (r.size + 3) &^ 3
		if r.size > uint64(len(blocks)) || padded > uint64(len(blocks)) { // the first comparison is necessary, since padded may have overflowed
			return nil, fmt.Errorf("%w: index", errXZ)
		}
		data, err := xzBlock(blocks[:padded], int(r.data), check)
		if err != nil {
			return nil, err
		}
		all, blocks = append(all, data...), blocks[padded:]
	}
	if len(blocks) > 0 {
		return nil, fmt.Errorf("%w: index", errXZ)
	}
	return all, nil
}

// xzFrame checks header and footer. It returns the index and the hash of the checks.
func xzFrame(stored []byte) (check func() hash.Hash, index []byte, err error) {
	n := len(stored)
	if n < xzHeader+xzFooter || string(stored[:6]) != xzMagic || string(stored[n-2:]) != xzEnd {
		return nil, nil, fmt.Errorf("%w: header or end", errXZ)
	}
	flags, footer := stored[6:8], stored[n-xzFooter:]
	if crc32.ChecksumIEEE(flags) != binary.LittleEndian.Uint32(stored[8:]) ||
		crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer) || !bytes.Equal(footer[8:10], flags) {
		return nil, nil, fmt.Errorf("%w: header or end", errXZ)
	}
	size := 4 * (uint64(binary.LittleEndian.Uint32(footer[4:])) + 1)
	if size > uint64(n-xzHeader-xzFooter) || size < 8 {
		return nil, nil, fmt.Errorf("%w: index", errXZ)
	}
	index = stored[n-xzFooter-int(size) : n-xzFooter]
	if crc32.ChecksumIEEE(index[:size-4]) != binary.LittleEndian.Uint32(index[size-4:]) {
		return nil, nil, fmt.Errorf("%w: index", errXZ)
	}
	if check = xzChecks[flags[1]]; flags[0] != 0 || check == nil {
		return nil, nil, fmt.Errorf("%w: unknown check", errXZ)
	}
	return check, index, nil
}

// xzRecord is the index's record of a block: its size without the padding before its check, and the size of its data.
type xzRecord struct{ size, data uint64 }

func xzRecords(index []byte) ([]xzRecord, error) {
	rest := index[1 : len(index)-4] // between its first byte and its checksum
	next := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			rest = nil
			return 0
		}
		rest = rest[n:]
		return v
	}
	n := next()
	if index[0] != 0 || n > xzMaxBlocks {
		return nil, fmt.Errorf("%w: index", errXZ)
	}
	var records []xzRecord
	for range n {
		records = append(records, xzRecord{next(), next()})
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, fmt.Errorf("%w: index", errXZ)
	}
	return records, nil
}

// xzBlock decompresses one block: a header, LZMA2, and a check.
func xzBlock(block []byte, size int, check func() hash.Hash) ([]byte, error) {
	dict, header, err := xzBlockHeader(block)
	if err != nil {
		return nil, err
	}
	// Each chunk can make the decoder rebuild its tables of 28 KB. xz writes the largest chunks that it can, so it writes few.
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
	data, err := inflate.Append(room(size, size), r, size)
	switch {
	case err != nil && !errors.Is(err, inflate.ErrTooLarge):
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

// lzma2Chunks counts the chunks of LZMA2 by their headers, up to the end or to an invalid header.
func lzma2Chunks(data []byte) (n int) {
	const end, compressed, properties = 0x00, 0x80, 0xc0
	for ; len(data) > 0 && data[0] != end; n++ {
		header, size := 3, 1 // the length of the header, and the offset of the chunk's size in it
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

// xzBlockHeader returns the size of the dictionary that the block needs, and the offset of its data. It refuses filters
// other than LZMA2, the only one that Python's lzma.compress uses by default.
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

// littleEndian writes a checksum in the byte order of xz.
type littleEndian struct{ hash.Hash }

func (h littleEndian) Sum(dst []byte) []byte {
	sum := h.Hash.Sum(nil)
	for i := len(sum) - 1; i >= 0; i-- {
		dst = append(dst, sum[i])
	}
	return dst
}

// noHash is the hash for a stream without checks.
type noHash struct{ hash.Hash }

func (noHash) Size() int             { return 0 }
func (noHash) Sum(dst []byte) []byte { return dst }
