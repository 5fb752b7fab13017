package memcache

import (
	"bytes"
	"compress/zlib"
	"errors"
	"runtime"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/djsess/djsess/djsession"
)

// Any value under any flags is an item of bounded size or a PayloadError, and reading it takes
// memory in proportion to its size.
func FuzzItem(f *testing.F) {
	const limit = 1 << 16
	c := &Cache{maxSize: limit}
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(make([]byte, 100))
	w.Close()
	for _, value := range [][]byte{nil, []byte("\x80\x04}."), packed.Bytes(), packed.Bytes()[:9], []byte("12"), []byte("x\x9c")} {
		for _, flags := range []uint32{0, flagPickle, flagInteger, flagLong, flagPickle | flagCompressed, flagText, 1 << 31} {
			f.Add(flags, value)
		}
	}
	f.Fuzz(func(t *testing.T, flags uint32, value []byte) {
		stored := &memcache.Item{Value: value, Flags: flags, CasID: 1}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		item, err := c.item(stored)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+8*limit {
			t.Errorf("%d bytes of memory for %d", took, len(value))
		}
		var bad *djsession.PayloadError
		switch {
		case err != nil && !errors.As(err, &bad):
			t.Error(err)
		case err == nil && flags&flagPickle == 0:
			t.Errorf("flags %d: %q", flags, item.Data)
		case err == nil && flags&flagCompressed != 0 && len(item.Data) > limit:
			t.Errorf("%d bytes", len(item.Data))
		case err == nil && !item.Version.(version).isStored(stored):
			t.Error("it is not what is stored")
		}
	})
}
