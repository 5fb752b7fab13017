package djsession_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/benchratio"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// benchSessions are a login as Django 5.2 stores it, and a cart of 3.5 KB.
func benchSessions() map[string]string {
	login := `{"_auth_user_id":"1","_auth_user_backend":"django.contrib.auth.backends.ModelBackend",` +
		`"_auth_user_hash":"9a1e2b3c4d5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9"}`
	var cart strings.Builder
	cart.WriteString(`{"cart":{`)
	for i := 0; cart.Len() < 3500; i++ {
		if i > 0 {
			cart.WriteByte(',')
		}
		fmt.Fprintf(&cart, `"%d":{"qty":%d,"price":"%d.99","name":"Product %d"}`, i, i, i, i)
	}
	cart.WriteString(`}}`)
	return map[string]string{"login": login, "cart": cart.String()}
}

// floor is the work that every reader or writer of these payloads must do. It uses the same
// libraries, and has allocated all memory beforehand.
type floor struct {
	mac     hash.Hash
	sum     []byte
	text    []byte
	packed  []byte
	plain   []byte
	src     bytes.Reader
	inflate io.ReadCloser
	out     bytes.Buffer
	deflate *zlib.Writer
}

func newFloor(b *testing.B) *floor {
	f := &floor{mac: hmac.New(sha256.New, make([]byte, 32)), plain: make([]byte, 0, 8192)}
	var empty bytes.Buffer
	var err error
	if f.deflate, err = zlib.NewWriterLevel(&empty, 6); err != nil { // the level of package signing for long data
		b.Fatal(err)
	}
	f.deflate.Close()
	if f.inflate, err = zlib.NewReader(&empty); err != nil {
		b.Fatal(err)
	}
	return f
}

func (f *floor) sign(value []byte) {
	f.mac.Reset()
	f.mac.Write(value)
	f.sum = f.mac.Sum(f.sum[:0])
	f.text = base64.RawURLEncoding.AppendEncode(f.text[:0], f.sum)
}

func (f *floor) decode(payload []byte) int {
	signature := bytes.LastIndexByte(payload, ':')
	f.sign(payload[:signature])
	value := payload[:bytes.IndexByte(payload, ':')]
	if value[0] != '.' {
		f.plain, _ = base64.RawURLEncoding.AppendDecode(f.plain[:0], value)
		return len(f.plain)
	}
	f.packed, _ = base64.RawURLEncoding.AppendDecode(f.packed[:0], value[1:])
	f.src.Reset(f.packed)
	f.inflate.(zlib.Resetter).Reset(&f.src, nil)
	n, _ := io.ReadFull(f.inflate, f.plain[:cap(f.plain)])
	return n
}

func (f *floor) encode(json []byte) int {
	f.out.Reset()
	if len(json) < 256 { // as package signing does
		flate.StatelessDeflate(&f.out, json, true, nil)
	} else {
		f.deflate.Reset(&f.out)
		f.deflate.Write(json)
		f.deflate.Close()
	}
	f.packed = base64.RawURLEncoding.AppendEncode(f.packed[:0], f.out.Bytes())
	f.sign(f.packed)
	return len(f.packed)
}

func benchCodec(b *testing.B) djsession.Codec {
	s, err := djsession.NewSettings(djangotest.Newest, djangotest.SecretKey)
	if err != nil {
		b.Fatal(err)
	}
	c, err := djsession.NewCodec(s)
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func benchPayload(b *testing.B, c djsession.Codec, json string) (*djsession.Values, []byte) {
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(json); err != nil {
		b.Fatal(err)
	}
	payload, err := c.Append(nil, v)
	if err != nil {
		b.Fatal(err)
	}
	return v, payload
}

func BenchmarkDecode(b *testing.B) {
	for name, json := range benchSessions() {
		b.Run(name, func(b *testing.B) {
			codec, f := benchCodec(b), newFloor(b)
			_, payload := benchPayload(b, codec, json)
			if n := f.decode(payload); n != len(json) {
				b.Fatalf("the floor decodes %d bytes of %d", n, len(json))
			}
			b.ReportAllocs()
			benchratio.Run(b, "floor", func() { f.decode(payload) }, func() {
				if _, _, err := codec.Decode(payload); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, json := range benchSessions() {
		b.Run(name, func(b *testing.B) {
			codec, f := benchCodec(b), newFloor(b)
			v, payload := benchPayload(b, codec, json)
			dst, plain := make([]byte, 0, len(payload)), []byte(json)
			b.ReportAllocs()
			benchratio.Run(b, "floor", func() { f.encode(plain) }, func() {
				if _, err := codec.Append(dst, v); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// Django's encode and decode in its own process are measured for comparison.
func BenchmarkDjango(b *testing.B) {
	django := djangotest.Start(b, djangotest.Newest, nil)
	codec := benchCodec(b)
	for name, json := range benchSessions() {
		v, payload := benchPayload(b, codec, json)
		for what, code := range map[string]string{"decode": "s.decode(args['payload'])", "encode": "s.encode(data)"} {
			b.Run(what+"/"+name, func(b *testing.B) {
				var seconds float64
				django.Do(b, `
					import time
					s = SessionStore()
					data = s.decode(args["payload"])
					assert data
					def run(n):
						start = time.perf_counter()
						for _ in range(n):
							`+code+`
						return time.perf_counter() - start
					run(200)
					result = min(run(500) for _ in range(5)) / 500
				`, map[string]string{"payload": string(payload)}, &seconds)
				start := time.Now()
				for b.Loop() {
					if what == "decode" {
						codec.Decode(payload)
					} else {
						codec.Append(nil, v)
					}
				}
				ours := time.Since(start).Seconds() / float64(b.N)
				b.ReportMetric(seconds*1e9, "django-ns/op")
				b.ReportMetric(seconds/ours, "times-faster")
			})
		}
	}
}

// Decoding a login session allocates three pieces of memory: its JSON, the index, and the Values.
func TestDecodeAllocations(t *testing.T) {
	if raceEnabled {
		return // the race detector drops pooled memory at random
	}
	s, err := djsession.NewSettings(djangotest.Newest, "k")
	if err != nil {
		t.Fatal(err)
	}
	codec := newCodec(t, s, djsession.NewCodec)
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(benchSessions()["login"]); err != nil {
		t.Fatal(err)
	}
	payload, err := codec.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { codec.Decode(payload) }); n > 4 {
		t.Errorf("decode allocates %v times", n)
	}
	dst := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { codec.Append(dst, v) }); n > 4 {
		t.Errorf("encode allocates %v times", n)
	}
}
