package serializer

import (
	"bytes"
	"runtime"
	"testing"
)

// A few bytes of MessagePack take a few kilobytes of memory, whatever length they claim in whatever place.
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
			took := allocated(func() { _, err = ParseMessagePack(data) })
			if err == nil || took > most {
				t.Errorf("%s %s: %d bytes were allocated for %d: %v", name, where, took, len(data), err)
			}
		}
	}
	// Many nested containers may claim the same bytes.
	data := append(bytes.Repeat([]byte("\xdc\x10\x00"), 1000), make([]byte, 4096)...)
	if took := allocated(func() { ParseMessagePack(data) }); took > uint64(100*len(data)) {
		t.Errorf("%d bytes were allocated for %d", took, len(data))
	}
}

// allocated returns how much memory f allocates, freed or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
