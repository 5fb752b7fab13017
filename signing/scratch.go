package signing

import "sync"

// scratches are buffers between base64 and zlib.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// putScratch keeps a buffer for the next one, unless one odd payload made it
// large.
func putScratch(b *[]byte) {
	if cap(*b) <= maxKept {
		scratches.Put(b)
	}
}

// maxKept is how large a buffer may be to be kept.
const maxKept = 1 << 20
