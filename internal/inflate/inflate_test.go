package inflate_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/djsess/djsess/internal/inflate"
)

func deflated(data string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	io.WriteString(w, data)
	w.Close()
	return b.Bytes()
}

func TestZlibLimit(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 1 << 20} {
		data := strings.Repeat("a", size)
		stream := deflated(data)
		for range 2 { // the second time with a reader from the pool
			out, err := inflate.Zlib([]byte("before"), stream, size)
			if err != nil || string(out) != "before"+data {
				t.Errorf("%d bytes: %d, %v", size, len(out), err)
			}
			if size == 0 {
				continue
			}
			out, err = inflate.Zlib([]byte("before"), stream, size-1)
			if !errors.Is(err, inflate.ErrTooLarge) || string(out) != "before" {
				t.Errorf("%d bytes over the limit: %d, %v", size, len(out), err)
			}
		}
	}
}

// Bytes after the end of a stream are ignored. A stream without its end is an error.
func TestZlibEnds(t *testing.T) {
	stream := deflated(strings.Repeat("session", 100))
	if out, err := inflate.Zlib(nil, append(bytes.Clone(stream), "more"...), 1<<20); err != nil || len(out) != 700 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
	for n := range stream {
		if out, err := inflate.Zlib(nil, stream[:n], 1<<20); err == nil || err == io.EOF {
			t.Errorf("%d of %d bytes: %d bytes, %v", n, len(stream), len(out), err)
		}
	}
	if out, err := inflate.Zlib(nil, stream, 1<<20); err != nil || len(out) != 700 {
		t.Errorf("after the errors: %d bytes, %v", len(out), err)
	}
}
