// Package keypart divides sessions among several scans by a hash of their keys, for stores that
// must look at every key anyway.
package keypart

// Has reports whether a key is in a part: see djsession.Range. With fewer than two parts it is
// always true. Every process divides the keys in the same way, so that several machines can share
// the work.
func Has(key string, part, parts int) bool {
	return parts < 2 || hash(key)%uint64(parts) == uint64(part)
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
