package signing

import "sync"

// scratches are buffers between base64 and zlib.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// putScratch keeps a buffer for the next one, unless one odd payload made it
// large.
func putScratch(b *[]byte) {
	if cap(*b) <= 1<<20 {
		scratches.Put(b)
	}
}
