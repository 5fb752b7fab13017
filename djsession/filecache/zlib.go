package filecache

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// deflaters are large, so they are kept for reuse.
var deflaters = sync.Pool{New: func() any { return zlib.NewWriter(nil) }}

// appendDeflated is zlib.compress.
func appendDeflated(dst, data []byte) []byte {
	buf := bytes.NewBuffer(dst)
	z := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(z)
	z.Reset(buf)
	z.Write(data) // to a bytes.Buffer, which does not fail
	z.Close()
	return buf.Bytes()
}
