package rediscache

import (
	"bytes"

	"github.com/pierrec/lz4/v4"
)

// packLZ4 writes the frame that lz4.frame.compress does: blocks of 64 KB, and in its
// header how long the data are.
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
	return finished(w, &b, data)
}

func unpackLZ4(stored []byte, limit int) ([]byte, error) {
	r := lz4.NewReader(bytes.NewReader(stored))
	if err := r.Apply(lz4.ConcurrencyOption(1)); err != nil {
		return nil, err
	}
	return readUpTo(limit, r, 3*len(stored))
}
