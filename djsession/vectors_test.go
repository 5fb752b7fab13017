package djsession_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/pyjson"
	"github.com/djsess/djsess/internal/testing/djangotest"
	"github.com/djsess/djsess/internal/testing/fixture"
)

// meta says how a version's vectors were made.
type meta struct {
	SecretKey string `json:"secret_key"`
	Fallbacks []string
	Now       float64
}

func eachVersion(t *testing.T, kinds []string, f func(t *testing.T, s *djsession.Settings, v djangotest.Vector)) {
	for _, version := range djangotest.Releases {
		t.Run(version, func(t *testing.T) {
			var m meta
			djangotest.Vectors(t, version, "meta")[0].Decode(t, &m)
			for i, v := range djangotest.Vectors(t, version, kinds...) {
				s, err := djsession.NewSettings(version, m.SecretKey)
				if err != nil {
					t.Fatal(err)
				}
				s.SecretKeyFallbacks = m.Fallbacks
				whole, fraction := math.Modf(m.Now)
				s.Now = func() time.Time { return time.Unix(int64(whole), int64(fraction*1e9)) }
				t.Run(fmt.Sprintf("%s/%s/%d", v.Kind, v.Name, i), func(t *testing.T) { f(t, s, v) })
			}
		})
	}
}

func newCodec(t *testing.T, s *djsession.Settings, make func(*djsession.Settings) (djsession.Codec, error)) djsession.Codec {
	t.Helper()
	c, err := make(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An unchanged payload is written with the same bytes. If it was compressed, its JSON has the same
// bytes.
func TestPayloadVectors(t *testing.T) {
	kinds := []string{"payload", "legacy_payload", "payload_sha1", "payload_fallback", "payload_bytes_key", "cookie_session"}
	eachVersion(t, kinds, func(t *testing.T, s *djsession.Settings, v djangotest.Vector) {
		var c struct {
			JSON, Encoded string
			KeyHex        string `json:"key_hex"`
		}
		v.Decode(t, &c)
		if key, err := hex.DecodeString(c.KeyHex); err != nil || len(key) > 0 {
			s.SecretKey = string(key)
		}
		make := djsession.NewCodec
		switch {
		case v.Kind == "cookie_session":
			make = djsession.NewCookieCodec
		case strings.HasSuffix(v.Kind, "_sha1"), v.Kind == "legacy_payload" && s.DjangoVersion == "3.2":
			s.DefaultHashingAlgorithm = "sha1"
		}
		codec := newCodec(t, s, make)
		values, origin, err := codec.Decode([]byte(c.Encoded))
		if err != nil {
			t.Fatal(err)
		}
		if got := fixture.JSON(t, values); got != c.JSON {
			t.Fatalf("decoded %s, Django has %s", got, c.JSON)
		}
		if want := v.Kind == "payload_fallback"; (origin.Key == 1) != want {
			t.Errorf("key %d", origin.Key)
		}
		if want := v.Kind == "legacy_payload" || v.Kind == "payload_bytes_key" && s.DjangoVersion == "2.2"; (origin.Form == djsession.Legacy) != want {
			t.Errorf("form %s", origin.Form)
		}
		if origin.Key != 0 {
			return
		}
		if origin.Form == djsession.Signed {
			s.Now = func() time.Time { return origin.SignedAt }
			codec = newCodec(t, s, make)
		}
		again, err := codec.Append(nil, values)
		if err != nil {
			t.Fatal(err)
		}
		if !origin.Compressed && v.Kind != "payload_sha1" && string(again) != c.Encoded {
			t.Errorf("encoded %s, Django has %s", again, c.Encoded)
		}
		if spare := len(again) - len(c.Encoded); v.Kind == "payload" && spare > 8+len(c.Encoded)/20 {
			t.Errorf("encoded in %d bytes, Django in %d", len(again), len(c.Encoded))
		}
		back, _, err := codec.Decode(again)
		if err != nil || fixture.JSON(t, back) != c.JSON {
			t.Errorf("our own payload decodes to %v, %v", back, err)
		}
	})
}

// A payload with a bad signature for Django is an ErrBadSignature. A payload that Django cannot
// read is refused, and never read as an empty session.
func TestBadPayloadVectors(t *testing.T) {
	eachVersion(t, []string{"bad_payload"}, func(t *testing.T, s *djsession.Settings, v djangotest.Vector) {
		var c struct{ Encoded, Result, Decoded string }
		v.Decode(t, &c)
		values, _, err := newCodec(t, s, djsession.NewCodec).Decode([]byte(c.Encoded))
		var payload *djsession.PayloadError
		if !errors.As(err, &payload) {
			t.Fatalf("decoded to %v, %v; Django says %s, %s", values, err, c.Result, c.Decoded)
		}
		if !errors.Is(err, djsession.ErrBadSignature) && !errors.Is(err, djsession.ErrMalformed) {
			t.Errorf("%v is none of the package's errors", err)
		}
		if c.Result == "bad signature" && !errors.Is(err, djsession.ErrBadSignature) {
			t.Errorf("%v is not an ErrBadSignature", err)
		}
	})
}

// With a good signature Go reads what Python reads, and refuses what Python refuses.
func TestLenientPayloadVectors(t *testing.T) {
	eachVersion(t, []string{"lenient_payload", "lenient_legacy"}, func(t *testing.T, s *djsession.Settings, v djangotest.Vector) {
		var c struct{ Encoded, Result, JSON, Error string }
		v.Decode(t, &c)
		if v.Kind == "lenient_payload" && s.DjangoVersion == "2.2" {
			s = in31(t, s) // 2.2 has signing.loads, but does not use it for stored sessions
		}
		values, _, err := newCodec(t, s, djsession.NewCodec).Decode([]byte(c.Encoded))
		if c.Result == "error" || !strings.HasPrefix(c.JSON, "{") {
			// Django returns a value that is not a dict, which no method of a session can use.
			var payload *djsession.PayloadError
			if !errors.As(err, &payload) {
				t.Fatalf("decoded to %v, %v; Django says %s", values, err, c.Error)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v; Django reads %s", err, c.JSON)
		}
		if got := rewritten(t, values); got != c.JSON {
			t.Errorf("read as %s, Django reads %s", got, c.JSON)
		}
	})
}

// in31 returns a text that 2.2 signed as 3.1 would sign it.
func in31(t *testing.T, s *djsession.Settings) *djsession.Settings {
	t.Helper()
	in31, err := djsession.NewSettings("3.1", s.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	return in31
}

// rewritten returns every value as Python would write it after reading it.
func rewritten(t *testing.T, v *djsession.Values) string {
	t.Helper()
	var out []byte
	for name := range v.Names() {
		raw, _ := v.Raw(name)
		var ascii strings.Builder // the text as Python decodes it by latin-1, in UTF-8
		for _, b := range []byte(raw) {
			ascii.WriteRune(rune(b))
		}
		again, err := pyjson.Normalize(ascii.String(), pyjson.Limits{})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if out = append(out, ','); len(out) == 1 {
			out[0] = '{'
		}
		if out, err = pyjson.AppendString(out, name); err != nil {
			t.Fatal(err)
		}
		out = append(append(out, ':'), again...)
	}
	if len(out) == 0 {
		return "{}"
	}
	return string(append(out, '}'))
}
