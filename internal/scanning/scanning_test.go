package scanning

import (
	"hash/fnv"
	"testing"

	"github.com/djsess/djsess/djsession"
)

func TestHashIsFNV1a(t *testing.T) {
	for _, key := range []string{"", "a", "9f3c1a2b3c4d5e6f", "é\xff"} {
		h := fnv.New64a()
		h.Write([]byte(key))
		if hash(key) != h.Sum64() {
			t.Errorf("the hash of %q is %d, want %d", key, hash(key), h.Sum64())
		}
	}
}

// Each key is in one part, and the parts are nearly equal.
func TestParts(t *testing.T) {
	const keys = 20_000
	for _, parts := range []int{0, 1, 2, 7, 64} {
		found := make([]int, max(parts, 1))
		for range keys {
			key, n := djsession.NewKey(), 0
			for part := range found {
				if IsInPart(key, part, parts) {
					found[part]++
					n++
				}
			}
			if n != 1 {
				t.Fatalf("a key is in %d of %d parts", n, parts)
			}
		}
		for part, n := range found {
			if fair := keys / len(found); n < fair/2 || n > fair*2 {
				t.Errorf("part %d of %d has %d keys, want about %d", part, parts, n, fair)
			}
		}
	}
}

// Two machines share a store as shards 1 and 2 of 2, and divide their shards among different numbers of workers. Each
// key is in one part of one of them.
func TestPartsOfParts(t *testing.T) {
	for _, workers := range [][]int{{1, 2}, {2, 8}, {3, 5}, {4, 7, 1}} {
		for range 1000 {
			key, n := djsession.NewKey(), 0
			for shard, w := range workers {
				for i := range w {
					if IsInPart(key, shard*w+i, len(workers)*w) {
						n++
					}
				}
			}
			if n != 1 {
				t.Fatalf("shards with %v workers: a key is in %d parts", workers, n)
			}
		}
	}
}
