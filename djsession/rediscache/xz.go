package rediscache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/djsess/djsess/djsession"
)

// xzWindow is the dictionary of liblzma's preset 4.
const xzWindow = 4 << 20

func packXZ(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: min(max(len(data), lzma.MinDictCap), xzWindow)}.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	return finished(w, &b, data)
}

// The parts of an xz stream: header, blocks, index and footer, each in words of 4 bytes.
const (
	xzMagic     = "\xfd7zXZ\x00"
	xzEnd       = "YZ"
	xzHeader    = 12
	xzFooter    = 12
	xzMaxBlocks = 1 << 10
)

var errXZ = errors.New("damaged xz stream")

// unpackXZ reads one xz stream, as lzma.compress writes it. The container is read
// here and not by package xz, which takes as much memory as a block's header asks
// for, up to 4 GB. The index at the end says how much there is before anything is
// decompressed.
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
			return nil, djsession.ErrTooLarge
		}
	}
	blocks := stored[xzHeader : len(stored)-xzFooter-len(index)]
	var all []byte
	for _, r := range records {
		padded := (r.size + 3) &^ 3
		if r.size > uint64(len(blocks)) || padded > uint64(len(blocks)) { // the first: the sum may overflow
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

// xzFrame checks header and footer, and returns the index and how checksums are made.
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

// xzRecord is what the index says of a block: its size without the padding before its
// check, and that of what is in it.
type xzRecord struct{ size, data uint64 }

func xzRecords(index []byte) ([]xzRecord, error) {
	rest := index[1 : len(index)-4] // between its mark and its checksum
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
