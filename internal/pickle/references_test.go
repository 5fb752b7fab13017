package pickle_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/djsess/djsess/internal/pickle"
)

// What makes no objects takes memory all the same: 32 MiB of it compress to a few KB.
func TestReferencesAreBounded(t *testing.T) {
	const size = 32 << 20
	for name, data := range map[string][]byte{
		"marks":      bytes.Repeat([]byte("("), size),
		"nones":      bytes.Repeat([]byte("N"), size),
		"small ints": append([]byte("}("), bytes.Repeat([]byte("K\x01N"), size/3)...),
		"copies":     append([]byte("N"), bytes.Repeat([]byte("2"), size)...),
		"memo":       append([]byte("]\x94"), bytes.Repeat([]byte("h\x00"), size/2)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := pickle.Load(data, pickle.Limits{})
		runtime.ReadMemStats(&after)
		if !errors.Is(err, pickle.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 10*size {
			t.Errorf("%s: %d MB were allocated", name, took>>20)
		}
	}
}
