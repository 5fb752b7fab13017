package signing

import (
	"bytes"
	"compress/zlib"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func stampAt(t *testing.T, now time.Time, o Options) *TimestampSigner {
	t.Helper()
	o.Now = func() time.Time { return now }
	s, err := NewTimestampSigner(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOriginTellsTheKey(t *testing.T) {
	now := time.Unix(1700000000, 5e8)
	for i, key := range []string{"current", "previous", "oldest"} {
		text := stampAt(t, now, Options{SecretKey: key}).Sign("v")
		s := stampAt(t, now, Options{SecretKey: "current", SecretKeyFallbacks: []string{"previous", "oldest"}})
		value, origin, err := s.Unsign(text, time.Second)
		want := Origin{Key: i, Algorithm: SHA256, SignedAt: time.Unix(1700000000, 0)}
		if value != "v" || err != nil || origin != want {
			t.Errorf("%s: %q, %+v, %v; want %+v", key, value, origin, err, want)
		}
	}
}

func TestEmptyFallbackOpensNothing(t *testing.T) {
	now := time.Unix(1700000000, 0)
	s := stampAt(t, now, Options{SecretKey: "k", SecretKeyFallbacks: []string{"", "old"}})
	if _, origin, err := s.Unsign(stampAt(t, now, Options{SecretKey: "old"}).Sign("v"), NoMaxAge); err != nil || origin.Key != 2 {
		t.Errorf("key %d, %v", origin.Key, err)
	}
	// What HMAC with an empty secret makes.
	k, err := newMACKey("django.core.signing.TimestampSignersigner", "", SHA256)
	if err != nil {
		t.Fatal(err)
	}
	forged := []byte("admin:1pnutW")
	forged = append(append(forged, ':'), k.append(nil, forged)...)
	if _, _, err := s.Unsign(string(forged), NoMaxAge); !errors.Is(err, ErrBadSignature) {
		t.Errorf("a text signed with nothing opens: %v", err)
	}
	// And with what a cookie's key is when there is no secret behind its prefix.
	cookies := CookieSigner{Options: Options{SecretKey: "k", SecretKeyFallbacks: []string{""}}}
	forger := stampAt(t, now, Options{SecretKey: "django.http.cookies", Salt: "n"})
	if _, _, err := cookies.Unsign("n", "", forger.Sign("admin"), NoMaxAge); !errors.Is(err, ErrBadSignature) {
		t.Errorf("a cookie signed with nothing opens: %v", err)
	}
}

func TestEmptySecretKeyIsRefused(t *testing.T) {
	if _, err := NewSigner(Options{}); err != ErrNoSecretKey {
		t.Errorf("Signer: %v", err)
	}
	if _, err := (CookieSigner{}).Sign("a", "", "v"); err != ErrNoSecretKey {
		t.Errorf("CookieSigner: %v", err)
	}
	if _, err := NewSigner(Options{SecretKey: "k", Algorithm: "rot13"}); err == nil {
		t.Error("an unknown algorithm is taken")
	}
}

// Base64 has several spellings of the same bytes; Django takes one.
func TestSignatureTextIsExact(t *testing.T) {
	s, err := NewSigner(Options{SecretKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	good := s.Sign("v")
	last := good[len(good)-1]
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	same := alphabet[strings.IndexByte(alphabet, last)^1] // differs in bits that no byte has
	for _, bad := range []string{good[:len(good)-1] + string(same), good + "=", good + "\n", " " + good, good[:len(good)-1], strings.Replace(good, ":", "::", 1)} {
		if _, _, err := s.Unsign(bad); !errors.Is(err, ErrBadSignature) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestInflatedSizeIsBounded(t *testing.T) {
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	zeros := make([]byte, 1<<20)
	for range 256 {
		z.Write(zeros)
	}
	z.Close()
	now := time.Unix(1700000000, 0)
	s := stampAt(t, now, Options{SecretKey: "k", MaxSize: 1 << 20})
	text := s.ring.appendStamp(appendObject([]byte("."), bomb.Bytes(), false), 0)
	const times = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		if _, _, err := s.OpenObject(nil, text, NoMaxAge); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("256 MiB of zeros: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if allocated := (after.TotalAlloc - before.TotalAlloc) / times; allocated > 8<<20 {
		t.Errorf("a bomb takes %d bytes of memory", allocated)
	}
	plain := s.AppendObject(nil, make([]byte, 1<<20+1), false)
	if _, _, err := s.OpenObject(nil, plain, NoMaxAge); !errors.Is(err, ErrTooLarge) {
		t.Errorf("1 MiB and a byte: %v", err)
	}
	if _, _, err := s.OpenObject(nil, s.AppendObject(nil, make([]byte, 1<<20), true), NoMaxAge); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
}

func TestSignersAreSafeForGoroutines(t *testing.T) {
	s := stampAt(t, time.Unix(1700000000, 0), Options{SecretKey: "k", SecretKeyFallbacks: []string{"old"}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			data := bytes.Repeat([]byte{byte('a' + i)}, 100+i)
			for range 200 {
				got, _, err := s.OpenObject(nil, s.AppendObject(nil, data, true), NoMaxAge)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpenObject(f *testing.F) {
	s, err := NewTimestampSigner(Options{SecretKey: "k", MaxSize: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("e30"), true)
	f.Add([]byte(".eJyrrgUAAXUA-Q"), true)
	f.Add([]byte("a:b:c"), false)
	f.Fuzz(func(t *testing.T, text []byte, sign bool) {
		if sign { // get behind the signature
			text = s.ring.appendStamp(text, 0)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		out, _, err := s.OpenObject(nil, text, NoMaxAge)
		runtime.ReadMemStats(&after)
		if err == nil && len(out) > 1<<16 {
			t.Errorf("%d bytes", len(out))
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > uint64(1<<20+8*len(text)) {
			t.Errorf("%d bytes of memory for %d", took, len(text))
		}
	})
}
