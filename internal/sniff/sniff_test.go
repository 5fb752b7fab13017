package sniff

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

func TestMain(m *testing.M) { djangotest.Main(m) }

// Name recognises what Python writes.
func TestPython(t *testing.T) {
	d := djangotest.Start(t, djangotest.Newest, nil)
	for _, tt := range []struct{ python, want string }{
		{`b""`, "nothing"},
		{`b"42"`, "an integer"},
		{`b" -4_2\n"`, "an integer"},
		{`b"4__2"`, "text"},
		{`b"1.5"`, "text"},
		{`b"  "`, "blank text"},
		{`"grüße".encode()`, "text"},
		{`pickle.dumps({"a": [1]}, 0)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 1)`, "a pickle"},
		{`pickle.dumps({}, 0)`, "a pickle"},
		{`pickle.dumps({}, 1)`, "a pickle"},
		{`pickle.dumps([], 1)`, "a pickle"},
		{`pickle.dumps(datetime.date, 0)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 2)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 3)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 4)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 5)`, "a pickle"},
		{`pickle.dumps({"a": [1]}, 5)[:-1]`, "a pickle, the end of which is missing"},
		{`json.dumps({"a": [1]}).encode()`, "a JSON object"},
		{`json.dumps({"a": [1]}).encode()[:-1]`, "a JSON object, the end of which is missing"},
		{`json.dumps([1]).encode()`, "a JSON list"},
		{`json.dumps("a").encode()`, "a JSON string"},
		{`json.dumps(None).encode()`, "text"},
		{`signing.dumps({"a": "b" * 100}, compress=True).encode()`, "a signed value"},
		{`signing.dumps({"a": "b"}).encode()`, "a signed value"},
		{`base64.b64encode(pickle.dumps({}))`, "text"},
		{`zlib.compress(b"a" * 100)`, "a zlib stream"},
		{`zlib.compress(b"a" * 100, 1)`, "a zlib stream"},
		{`zlib.compress(b"a" * 100, 9)[:10]`, "a zlib stream"},
		{`zlib.compress(zlib.compress(b"a" * 100))`, "a zlib stream"},
		{`gzip.compress(b"a" * 100)`, "a gzip stream"},
		{`lzma.compress(b"a" * 100)`, "an xz stream"},
		{`lz4.frame.compress(b"a" * 100)`, "an lz4 frame"},
		{`pyzstd.compress(b"a" * 100)`, "a zstd frame"},
		{`bz2.compress(b"a" * 100)`, "a bzip2 stream"},
		{`msgpack.dumps({})`, "MessagePack"},
		{`msgpack.dumps({"a": [1, -1, None, True, 1.5, b"x" * 300, "y" * 70000, 2**63, {1: 2}], "b": msgpack.ExtType(5, b"abc")})`, "MessagePack"},
		{`msgpack.dumps(list(range(70000)))`, "MessagePack"},
		{`msgpack.dumps({str(i): i for i in range(70000)})`, "MessagePack"},
		{`msgpack.dumps({"a": [1]})[:-1]`, "unknown data"},
		{`b"\x00\xff\xfe"`, "unknown data"},
		{`b"x^2 + y^2 = z^2"`, "text"}, // x^ is a zlib header
		{`b"BZh is text"`, "text"},
		{`b"H\x89"`, "unknown data"}, // a header of zlib, and nothing more
	} {
		t.Run(tt.python, func(t *testing.T) {
			var encoded string
			d.Do(t, `
import base64, bz2, datetime, gzip, json, lz4.frame, lzma, msgpack, pickle, pyzstd, zlib
from django.core import signing
result = base64.b64encode(eval(args)).decode()`, tt.python, &encoded)
			data, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if got := Name(data); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestIsInt(t *testing.T) {
	d := djangotest.Start(t, djangotest.Newest, nil)
	texts := []string{"", "0", "-0", "+7", "- 7", "1_000", "_1", "1_", "1__0", " 1 ", "\v1\f", "1 2", "0x1", "1e5", "٣", "-", "+-1", "007", "1\x00", "\x1c1"}
	encoded, _ := json.Marshal(texts)
	var want []bool
	d.Do(t, `
def is_int(data):
    try:
        int(data)
    except ValueError:
        return False
    return True
result = [is_int(text.encode()) for text in args]`, json.RawMessage(encoded), &want)
	for i, text := range texts {
		if got := IsInt([]byte(text)); got != want[i] {
			t.Errorf("%q: got %v, Python says %v", text, got, want[i])
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add([]byte("\x82\xa1a\xdf\xff\xff\xff\xff"))
	f.Add([]byte("\x80\x04."))
	f.Add([]byte("\x91\xc6\x80\x00\x00\x00")) // a length that is negative in 32 bits
	f.Add([]byte("\xdd\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Name(data) == "" {
			t.Errorf("%q has no name", data)
		}
	})
}
