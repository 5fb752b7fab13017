// Package scanning has what the scans of several stores share: the size of a page, and the parts
// that several scans divide the keys into.
package scanning

import "math/bits"

// FirstPage is the size of the first page, in sessions. A page should be a few hundred kilobytes,
// whatever the size of a session.
const FirstPage = 32

const (
	largestPage = 500 // sessions

	fewBytes  = 256 << 10
	manyBytes = 4 << 20
)

// NextPage returns the size of the page that follows a page of this size and this many bytes.
func NextPage(size, bytes int) int {
	switch {
	case bytes < fewBytes:
		return min(size*4, largestPage)
	case bytes > manyBytes:
		return max(size/8, 1)
	}
	return size
}

// IsInPart reports whether a key is in a part: see djsession.Range. It is for stores that must look
// at every key anyway, and goes by a hash of the key. With fewer than two parts it is always true.
// Every process divides the keys in the same way, so that several machines can share the work.
//
// The parts are ranges of the hash, and not its remainders: part 1 of 2 is parts 4 to 7 of 8. So machines
// that divide their shards further, each by its own number of workers, leave nothing out.
func IsInPart(key string, part, parts int) bool {
	if parts < 2 {
		return true
	}
	at, _ := bits.Mul64(mix(hash(key)), uint64(parts))
	return at == uint64(part)
}

// mix spreads every bit of a hash to its highest ones, which FNV's last steps do not reach. It is the last step of
// MurmurHash3.
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// hash is FNV-1a of 64 bits.
func hash(key string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	return h
}
