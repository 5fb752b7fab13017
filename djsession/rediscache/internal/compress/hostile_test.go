package compress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/djsess/djsess/internal/inflate"
)

var names = []string{"zlib", "gzip", "lzma", "lz4", "zstd"}

func compressorFor(t testing.TB, name string, maxSize int) *Compressor {
	c, ok := New(name, maxSize)
	if !ok {
		t.Fatalf("no compressor %q", name)
	}
	return &c
}

// A stream that inflates to more than the limit is an error, and takes memory in proportion to the
// limit.
func TestBombs(t *testing.T) {
	const size, limit = 256 << 20, 1 << 20
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			bomb, err := compressorFor(t, name, size).Compress(make([]byte, size/8))
			if err != nil {
				t.Fatal(err)
			}
			c := compressorFor(t, name, limit)
			c.Decompress(bomb) // the first call allocates what is kept, which does not count
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			data, err := c.Decompress(bomb)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, inflate.ErrTooLarge) {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 12*limit {
				t.Errorf("%d bytes were allocated, for a limit of %d", taken, limit)
			}
		})
	}
}

// An xz block may ask for a dictionary of 4 GB. It gets a dictionary of the length of the data.
func TestXZDictionary(t *testing.T) {
	data := bytes.Repeat([]byte("session "), 100)
	stored, err := packXZ(data)
	if err != nil {
		t.Fatal(err)
	}
	header := stored[xzHeader:]
	size := 4 * (int(header[0]) + 1)
	at := bytes.Index(header[:size], []byte{0x21, 1})
	const fourGB = 40
	header[at+2] = fourGB
	binary.LittleEndian.PutUint32(header[size-4:], crc32.ChecksumIEEE(header[:size-4]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, err := unpackXZ(stored, 1<<20)
	runtime.ReadMemStats(&after)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<20 {
		t.Errorf("%d bytes were allocated", taken)
	}
}

// A stream of many small chunks is an error, since the decoder would make new tables for each chunk.
func TestXZChunks(t *testing.T) {
	const size, chunks = 100, 20000
	stored, err := packXZ(bytes.Repeat([]byte("a"), size))
	if err != nil {
		t.Fatal(err)
	}
	header := stored[xzHeader:][:4*(int(stored[xzHeader])+1)]
	var packed bytes.Buffer
	w, err := lzma.NewWriter2(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("a"), size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	chunk := packed.Bytes()[:packed.Len()-1] // without the end
	for _, n := range []int{1, 10, chunks} {
		block := append(bytes.Clone(header), bytes.Repeat(chunk, n)...)
		for block = append(block, 0); len(block)%4 != 0; {
			block = append(block, 0)
		}
		if got := lzma2Chunks(block[len(header):]); got != n {
			t.Fatalf("%d chunks, want %d", got, n)
		}
		var data []byte
		took := allocated(func() { data, err = xzBlock(block, n*size, xzChecks[0]) })
		if n < chunks && (err != nil || len(data) != n*size) || n == chunks && !errors.Is(err, errXZ) || took > 8<<20 {
			t.Errorf("%d chunks: %d bytes, %v; %d bytes were allocated", n, len(data), err, took)
		}
	}
}

// A stream that is truncated or has a changed bit is an error or decompresses to other data. It
// never causes a panic.
func TestDamage(t *testing.T) {
	data := make([]byte, 3000)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range data {
		data[i] = "abcdefgh"[random.IntN(8)]
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			c := compressorFor(t, name, 1<<20)
			stored, err := c.Compress(data)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n < len(stored); n++ { // package rediscache refuses an empty value itself
				// The last bytes of a frame may be irrelevant to the data.
				if got, err := c.Decompress(stored[:n]); err == nil && !bytes.Equal(got, data) {
					t.Fatalf("truncated to %d of %d bytes: %d bytes, and no error", n, len(stored), len(got))
				}
			}
			for range 2000 {
				broken := bytes.Clone(stored)
				broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
				c.Decompress(broken)
			}
			if got, err := c.Decompress(append(bytes.Clone(stored), stored...)); err == nil && len(got) > 2*len(data) {
				t.Errorf("twice: %d bytes", len(got))
			}
		})
	}
}

// A stream takes memory in proportion to the limit, whatever it claims to hold.
func FuzzDecompress(f *testing.F) {
	const limit = 1 << 16
	var compressors []*Compressor
	for _, name := range names {
		c := compressorFor(f, name, limit)
		compressors = append(compressors, c)
		for _, data := range [][]byte{bytes.Repeat([]byte("session "), 100), make([]byte, limit), make([]byte, limit+1), nil} {
			stored, err := c.pack(data)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(stored)
			f.Add(append(stored[:len(stored):len(stored)], stored...))
		}
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		for _, c := range compressors {
			var data []byte
			var err error
			took := allocated(func() { data, err = c.Decompress(stored) })
			if err == nil && len(data) > limit {
				t.Errorf("%s: %d bytes", c.Stream, len(data))
			}
			// A reader has tables and a window, which are kept for the next stream.
			if took > uint64(16<<20+4*limit+100*len(stored)) {
				t.Errorf("%s: %d bytes of memory for %d", c.Stream, took, len(stored))
			}
		}
	})
}

// allocated returns how much memory f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A value of many gzip streams takes work and memory in proportion to its length.
func TestManyGzipStreams(t *testing.T) {
	empty, err := packGzip(nil)
	if err != nil {
		t.Fatal(err)
	}
	stored := bytes.Repeat(empty, (1<<20)/len(empty))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	data, err := unpackGzip(append(stored, 0, 0), 1<<20)
	runtime.ReadMemStats(&after)
	if err != nil || len(data) != 0 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("%d MB were allocated for 1", took>>20)
	}
}
