package rediscache

import (
	"bytes"
	"runtime"
	"testing"
)

// Work and memory are in proportion, whatever a value is made of.
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
