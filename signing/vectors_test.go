package signing

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/djsess/djsess/internal/testing/djangotest"
)

// meta is how a version's vectors were made.
type meta struct {
	SecretKey string `json:"secret_key"`
	Fallbacks []string
	Now       float64
}

// eachVersion runs f for each Django and its vectors of some kinds.
func eachVersion(t *testing.T, kinds []string, f func(t *testing.T, version string, m meta, v djangotest.Vector)) {
	for _, version := range djangotest.Releases {
		t.Run(version, func(t *testing.T) {
			var m meta
			djangotest.Vectors(t, version, "meta")[0].Decode(t, &m)
			for i, v := range djangotest.Vectors(t, version, kinds...) {
				t.Run(fmt.Sprintf("%s/%s/%d", v.Kind, v.Name, i), func(t *testing.T) { f(t, version, m, v) })
			}
		})
	}
}

func (m meta) clock() time.Time { return clock(m.Now) }

func clock(seconds float64) time.Time {
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000)
}

// maxAge is Python's max_age, which may be None.
func maxAge(seconds *float64) time.Duration {
	if seconds == nil {
		return NoMaxAge
	}
	return time.Duration(*seconds * float64(time.Second))
}

// options are what Signer() and dumps() of that Django come to.
func (m meta) options(version string) Options {
	o := Options{SecretKey: m.SecretKey, SecretKeyFallbacks: m.Fallbacks, Now: m.clock}
	switch version {
	case "2.2":
		o.Algorithm = SHA1
	case "3.2":
		o.LegacyAlgorithm = SHA1
	}
	return o
}

func unhex(t *testing.T, text string) string {
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSignerVectors(t *testing.T) {
	eachVersion(t, []string{"signer"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			Options struct {
				Salt, Sep, Key, Algorithm string
				KeyHex                    string `json:"key_hex"`
			}
			Value, Signed, Timestamped string
		}
		v.Decode(t, &c)
		o := m.options(version)
		o.Salt, o.Sep = c.Options.Salt, c.Options.Sep
		if c.Options.Algorithm != "" {
			o.Algorithm = Algorithm(c.Options.Algorithm)
		}
		if key := c.Options.Key + unhex(t, c.Options.KeyHex); key != "" {
			o.SecretKey = key
		}
		s, err := NewSigner(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Sign(c.Value); got != c.Signed {
			t.Errorf("Sign: %s, Django has %s", got, c.Signed)
		}
		if got, _, err := s.Unsign(c.Signed); got != c.Value || err != nil {
			t.Errorf("Unsign: %q, %v", got, err)
		}
		ts, err := NewTimestampSigner(o)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := ts.Unsign(c.Timestamped, NoMaxAge)
		if got != c.Value || err != nil {
			t.Errorf("TimestampSigner.Unsign: %q, %v", got, err)
		}
		if got := ts.Sign(c.Value); got != c.Timestamped {
			t.Errorf("TimestampSigner.Sign: %s, Django has %s", got, c.Timestamped)
		}
	})
}

func TestBadVectors(t *testing.T) {
	eachVersion(t, []string{"bad_signed", "bad_timestamp"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct{ Signed, Result, Value, Error string }
		v.Decode(t, &c)
		o := m.options(version)
		var got string
		var err error
		if v.Kind == "bad_signed" {
			s, e := NewSigner(o)
			if e != nil {
				t.Fatal(e)
			}
			got, _, err = s.Unsign(c.Signed)
		} else {
			s, e := NewTimestampSigner(o)
			if e != nil {
				t.Fatal(e)
			}
			got, _, err = s.Unsign(c.Signed, NoMaxAge)
		}
		switch {
		case (err == nil) != (c.Result == "ok"):
			t.Errorf("error %v, Django says %s %s", err, c.Result, c.Error)
		case err == nil && got != c.Value:
			t.Errorf("%q, Django has %q", got, c.Value)
		case c.Error == "BadSignature" && !errors.Is(err, ErrBadSignature):
			t.Errorf("%v is no ErrBadSignature", err)
		case c.Error == "ValueError" && !errors.Is(err, ErrMalformed):
			t.Errorf("%v is no ErrMalformed", err)
		}
	})
}

func TestSeparatorVectors(t *testing.T) {
	eachVersion(t, []string{"bad_sep"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct{ Sep, Error string }
		v.Decode(t, &c)
		if c.Sep == "" {
			return // Go's zero value: the default
		}
		o := m.options(version)
		o.Sep = c.Sep
		if _, err := NewSigner(o); (err != nil) != (c.Error != "") {
			t.Errorf("%q: error %v, Django says %q", c.Sep, err, c.Error)
		}
	})
}

func TestDumpsVectors(t *testing.T) {
	eachVersion(t, []string{"dumps"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			JSON, Salt, Encoded, Key string
			KeyHex                   string `json:"key_hex"`
			Compress                 bool
		}
		v.Decode(t, &c)
		o := m.options(version)
		o.Salt = c.Salt
		if key := c.Key + unhex(t, c.KeyHex); key != "" {
			o.SecretKey, o.SecretKeyFallbacks = key, nil
		}
		s, err := NewTimestampSigner(o)
		if err != nil {
			t.Fatal(err)
		}
		data, origin, err := s.OpenObject(nil, []byte(c.Encoded), NoMaxAge)
		if err != nil || string(data) != c.JSON {
			t.Fatalf("OpenObject: %q, %v", data, err)
		}
		if origin.Key != 0 || !origin.SignedAt.Equal(m.clock().Truncate(time.Second)) {
			t.Errorf("origin %+v", origin)
		}
		got := string(s.AppendObject(nil, data, c.Compress))
		if !origin.Compressed && strings.HasPrefix(got, ".") == origin.Compressed && got != c.Encoded {
			t.Errorf("AppendObject: %s, Django has %s", got, c.Encoded)
		}
		if back, _, err := s.OpenObject(nil, []byte(got), NoMaxAge); err != nil || string(back) != c.JSON {
			t.Errorf("our own text opens as %q, %v", back, err)
		}
		var raw rawJSON
		if origin, err = Loads(c.Encoded, &raw, NoMaxAge, o); err != nil || string(raw) != c.JSON {
			t.Errorf("Loads: %q, %v", raw, err)
		}
		if text, err := Dumps(raw, c.Compress, o); err != nil || text != got {
			t.Errorf("Dumps: %s, %v; want %s", text, err, got)
		}
	})
}

// rawJSON passes JSON through Dumps and Loads as it is.
type rawJSON string

func (r *rawJSON) UnmarshalPythonJSON(text string) error {
	*r = rawJSON(text)
	return nil
}

func (r rawJSON) AppendPythonJSON(dst []byte) ([]byte, error) { return append(dst, r...), nil }

func TestMaxAgeVectors(t *testing.T) {
	eachVersion(t, []string{"max_age"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			Encoded, Salt, Result string
			MaxAge                *float64 `json:"max_age"`
			Now                   float64
		}
		v.Decode(t, &c)
		o := m.options(version)
		o.Salt = c.Salt
		o.Now = func() time.Time { return clock(c.Now) }
		var dst any
		_, err := Loads(c.Encoded, &dst, maxAge(c.MaxAge), o)
		if (err == nil) != (c.Result == "ok") {
			t.Errorf("error %v, Django says %s", err, c.Result)
		}
		if c.Result == "expired" && !(errors.Is(err, ErrSignatureExpired) && errors.Is(err, ErrBadSignature)) {
			t.Errorf("%v is not an ErrSignatureExpired and an ErrBadSignature", err)
		}
	})
}

func TestSaltedHMACVectors(t *testing.T) {
	eachVersion(t, []string{"salted_hmac"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			KeySalt   string `json:"key_salt"`
			SecretHex string `json:"secret_hex"`
			Value     string
			Secret    string
			Algorithm Algorithm
			Hex       string
		}
		v.Decode(t, &c)
		got, err := SaltedHMAC(c.KeySalt, c.Value, c.Secret+unhex(t, c.SecretHex), c.Algorithm)
		if err != nil || hex.EncodeToString(got) != c.Hex {
			t.Errorf("%x, %v; Django has %s", got, err, c.Hex)
		}
	})
}

func TestBase62Vectors(t *testing.T) {
	eachVersion(t, []string{"b62", "b62_decode"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct{ Number, Text, Result string }
		v.Decode(t, &c)
		got, err := parseBase62([]byte(c.Text))
		if (err == nil) != (c.Result != "error") {
			t.Fatalf("%q: error %v, Django says %q", c.Text, err, c.Result)
		}
		want, ok := new(big.Int).SetString(c.Number, 10)
		if err != nil || !ok {
			return
		}
		if !want.IsInt64() { // no clock shows these; they end at int64's limits
			if got != math.MaxInt64 && got != -math.MaxInt64 {
				t.Errorf("%s: %d", c.Number, got)
			}
			return
		}
		if got != want.Int64() {
			t.Errorf("%s is %d, Django has %s", c.Text, got, c.Number)
		}
		if text := string(appendBase62(nil, want.Int64())); v.Kind == "b62" && text != c.Text {
			t.Errorf("%s is %s, Django has %s", c.Number, text, c.Text)
		}
	})
}

func TestCookieVectors(t *testing.T) {
	eachVersion(t, []string{"signed_cookie"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			Salt, Value, Cookie string
			Form                string `json:"salt_form"`
		}
		v.Decode(t, &c)
		o := m.options(version)
		signer := CookieSigner{Options: o}
		if c.Form == "v2" {
			signer.Salt = CookieSaltV2
		}
		value, _, err := signer.Unsign(v.Name, c.Salt, c.Cookie, NoMaxAge)
		if value != c.Value || err != nil {
			t.Fatalf("Unsign: %q, %v", value, err)
		}
		if got, err := signer.Sign(v.Name, c.Salt, c.Value); got != c.Cookie || err != nil {
			t.Errorf("Sign: %s, %v; Django has %s", got, err, c.Cookie)
		}
	})
}

func TestCookieReadVectors(t *testing.T) {
	eachVersion(t, []string{"signed_cookie_read"}, func(t *testing.T, version string, m meta, v djangotest.Vector) {
		var c struct {
			Salt, Cookie, Result, Value, Error string
			Fallback                           bool     `json:"legacy_fallback"`
			MaxAge                             *float64 `json:"max_age"`
			Now                                float64
		}
		v.Decode(t, &c)
		signer := CookieSigner{Options: m.options(version), LegacySaltFallback: c.Fallback}
		signer.Options.Now = func() time.Time { return clock(c.Now) }
		if djangotest.AtLeast(version, "5.2") {
			signer.Salt = CookieSaltV2
		}
		value, _, err := signer.Unsign(v.Name, c.Salt, c.Cookie, maxAge(c.MaxAge))
		if (err == nil) != (c.Result == "ok") || err == nil && value != c.Value {
			t.Fatalf("%q, %v; Django says %s %q %s", value, err, c.Result, c.Value, c.Error)
		}
		if expired := c.Error == "SignatureExpired"; expired != errors.Is(err, ErrSignatureExpired) {
			t.Errorf("%v, Django says %s", err, c.Error)
		}
	})
}
