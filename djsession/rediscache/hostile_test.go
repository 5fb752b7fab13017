package rediscache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/djsess/djsess/djsession"
)

func compressorFor(t testing.TB, name Compressor, maxSize int) *compressor {
	c, err := newCompressor(name, maxSize)
	if err != nil {
		t.Fatal(err)
	}
	return &c
}

// What inflates to more than there may be is refused, and takes no more memory than
// that while it is found out.
func TestBombs(t *testing.T) {
	const size, limit = 256 << 20, 1 << 20
	for _, name := range Compressors[1:] {
		t.Run(string(name), func(t *testing.T) {
			bomb, err := compressorFor(t, name, size).compress(make([]byte, size/8))
			if err != nil {
				t.Fatal(err)
			}
			c := compressorFor(t, name, limit)
			c.decompress(bomb) // what is made once is not counted
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			data, err := c.decompress(bomb)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, djsession.ErrTooLarge) {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 12*limit {
				t.Errorf("%d bytes were taken for at most %d", taken, limit)
			}
		})
	}
}

// An xz block may ask for a dictionary of 4 GB, which is believed no more than the
// length of the data.
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
		t.Errorf("%d bytes were taken", taken)
	}
}

// Many small chunks would have as many tables made.
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
			t.Errorf("%d chunks: %d bytes, %v; %d bytes were taken", n, len(data), err, took)
		}
	}
}

// What is cut anywhere, or has a bit changed, is an error or is noticed by whoever
// reads the data, and never the end of the program.
func TestDamage(t *testing.T) {
	data := make([]byte, 3000)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range data {
		data[i] = "abcdefgh"[random.IntN(8)]
	}
	for _, name := range Compressors[1:] {
		t.Run(string(name), func(t *testing.T) {
			c := compressorFor(t, name, 1<<20)
			stored, err := c.compress(data)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n < len(stored); n++ { // an empty value is refused before
				// The last bytes of a frame may say nothing about the data.
				if got, err := c.decompress(stored[:n]); err == nil && !bytes.Equal(got, data) {
					t.Fatalf("cut to %d of %d bytes: %d bytes, and no error", n, len(stored), len(got))
				}
			}
			for range 2000 {
				broken := bytes.Clone(stored)
				broken[random.IntN(len(broken))] ^= 1 << random.IntN(8)
				c.decompress(broken)
			}
			if got, err := c.decompress(append(bytes.Clone(stored), stored...)); err == nil && len(got) > 2*len(data) {
				t.Errorf("twice: %d bytes", len(got))
			}
		})
	}
}

// What a stream says it holds is worth what was allowed, and no more: in memory, and in
// what is made of it.
func FuzzDecompress(f *testing.F) {
	const limit = 1 << 16
	var compressors []*compressor
	for _, name := range Compressors[1:] {
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
			took := allocated(func() { data, err = c.decompress(stored) })
			if err == nil && len(data) > limit {
				t.Errorf("%s: %d bytes", c.makes, len(data))
			}
			// A reader has tables and a window of some size, which it keeps for the next.
			if took > uint64(16<<20+4*limit+100*len(stored)) {
				t.Errorf("%s: %d bytes of memory for %d", c.makes, took, len(stored))
			}
		}
	})
}

// allocated is how much memory f takes, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A length is not believed: MessagePack of a few bytes takes no more than a few
// kilobytes, whatever it claims and wherever it does.
func TestMessagePackLengths(t *testing.T) {
	const most = 16 << 10
	lengths := map[string]string{
		"bin8": "\xc4\xff", "bin16": "\xc5\xff\xff", "bin32": "\xc6\xff\xff\xff\xff",
		"str8": "\xd9\xff", "str16": "\xda\xff\xff", "str32": "\xdb\xff\xff\xff\xff", "fixstr": "\xbf",
		"ext8": "\xc7\xff\x05", "ext16": "\xc8\xff\xff\x05", "ext32": "\xc9\xff\xff\xff\xff\x05", "fixext": "\xd8\x05",
		"array16": "\xdc\xff\xff", "array32": "\xdd\xff\xff\xff\xff", "fixarray": "\x9f",
		"map16": "\xde\xff\xff", "map32": "\xdf\xff\xff\xff\xff", "map of 2^31": "\xdf\x80\x00\x00\x00", "fixmap": "\x8f",
		"timestamp": "\xc9\xff\xff\xff\xff\xff",
	}
	for name, claim := range lengths {
		for where, before := range map[string]string{
			"alone": "", "value": "\x81\xa1a", "key": "\x81", "in a list": "\x81\xa1a\x92\x01", "in a map": "\x81\xa1a\x81\xa1b", "second": "\x82\xa1a\x01\xa1b",
		} {
			data := []byte(before + claim)
			var err error
			took := allocated(func() { _, err = MessagePackSerializer{}.Parse(data) })
			if !errors.Is(err, djsession.ErrMalformed) || took > most {
				t.Errorf("%s %s: %d bytes were taken for %d: %v", name, where, took, len(data), err)
			}
		}
	}
	// What is there may be claimed by many containers within each other.
	data := append(bytes.Repeat([]byte("\xdc\x10\x00"), 1000), make([]byte, 4096)...)
	if took := allocated(func() { MessagePackSerializer{}.Parse(data) }); took > uint64(100*len(data)) {
		t.Errorf("%d bytes were taken for %d", took, len(data))
	}
}
