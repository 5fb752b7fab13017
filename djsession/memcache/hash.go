package memcache

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
	"runtime"
)

// Hash is how a client library chooses one of several servers.
type Hash int

const (
	// PyMemcache is PyMemcacheCache, on pymemcache: rendezvous hashing.
	PyMemcache Hash = iota
	// PyLibMC is PyLibMCCache, on pylibmc, with the default behaviors: no "ketama"
	// and no other hash or distribution in OPTIONS.
	PyLibMC
	// PythonMemcached is MemcachedCache (up to Django 4.0), on python-memcached up to
	// 1.59. Later ones have another server for one key in 32768, and no delete that
	// Django could call.
	PythonMemcached
)

var hashNames = [...]string{"pymemcache", "pylibmc", "python-memcached"}

// String is the name of the library.
func (h Hash) String() string {
	if h < 0 || int(h) >= len(hashNames) {
		return fmt.Sprintf("Hash(%d)", int(h))
	}
	return hashNames[h]
}

// choose returns the index of a key's server. nodes are the servers' names as
// pymemcache writes them.
func (h Hash) choose(nodes []string, key string) int {
	n := len(nodes)
	switch {
	case n == 1:
		return 0
	case h == PyLibMC:
		return int(oneAtATime(key) % uint32(n))
	case h == PythonMemcached:
		return int(max(crc32.ChecksumIEEE([]byte(key))>>16&0x7fff, 1) % uint32(n))
	}
	return rendezvous(nodes, key)
}

// rendezvous gives every server a score with this key; the highest wins, and of two
// that are alike the name that sorts later.
func rendezvous(nodes []string, key string) int {
	winner, high := 0, uint32(0)
	var buf [320]byte // a key of 250 bytes and most names
	for i, node := range nodes {
		text := appendLowBytes(buf[:0], node)
		text = append(text, '-')
		text = appendLowBytes(text, key)
		score := murmur3(text)
		if i == 0 || score > high || score == high && node > nodes[winner] {
			winner, high = i, score
		}
	}
	return winner
}

// appendLowBytes appends the characters of a text as pymemcache's murmur3 sees
// them: it hashes not UTF-8, but the low byte of every code point.
func appendLowBytes(dst []byte, text string) []byte {
	for _, r := range text {
		dst = append(dst, byte(r))
	}
	return dst
}

// murmur3 is MurmurHash3_x86_32 with seed 0.
func murmur3(data []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*c1, 15) * c2 }
	n := uint32(len(data))
	var h uint32
	for ; len(data) >= 4; data = data[4:] {
		h ^= mix(binary.LittleEndian.Uint32(data))
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	if len(data) > 0 {
		var tail [4]byte
		copy(tail[:], data)
		h ^= mix(binary.LittleEndian.Uint32(tail[:]))
	}
	h ^= n
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

// signedChar tells whether C's char is signed, which it is not on ARM, but for Apple's.
// The site is taken to run on a machine like ours.
const signedChar = runtime.GOARCH == "amd64" || runtime.GOARCH == "386" || runtime.GOOS == "darwin"

// oneAtATime is Bob Jenkins's hash, libmemcached's default. It adds up C's chars: in
// keys beyond ASCII their sign shows.
func oneAtATime(key string) uint32 {
	var h uint32
	for i := range len(key) {
		if signedChar {
			h += uint32(int8(key[i]))
		} else {
			h += uint32(key[i])
		}
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return h
}
