package djsession_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"runtime"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/signing"
)

// Any bytes from a visitor's cookie, a file or a row decode to values or to a PayloadError, and
// take memory in proportion to their length.
func FuzzCodec(f *testing.F) {
	codecs := everyCodec(f)
	for _, payload := range paddedHeads() {
		f.Add([]byte(payload))
	}
	v := new(djsession.Values)
	if err := v.UnmarshalPythonJSON(`{"a":"b","c":[1,2.5,null]}`); err != nil {
		f.Fatal(err)
	}
	for _, codec := range codecs {
		payload, err := codec.Append(nil, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
		f.Add(payload[1:])
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for name, codec := range codecs {
			decodes(t, name, codec, payload, len(payload))
		}
	})
}

// decodes decodes a payload of data of this size, and uses the values as a manager does without the
// handler.
func decodes(t *testing.T, name string, codec djsession.Codec, payload []byte, size int) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v, _, err := codec.Decode(payload)
	runtime.ReadMemStats(&after)
	if took, most := after.TotalAlloc-before.TotalAlloc, uint64(2<<20+200*size); took > most {
		t.Errorf("%s: %d bytes of memory for %d", name, took, size)
	}
	if err != nil {
		if bad := (*djsession.PayloadError)(nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	v.AppendShown(nil)
	for range v.Names() {
	}
	if text, err := v.AppendPythonJSON(nil); err == nil {
		if err := new(djsession.Values).UnmarshalPythonJSON(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A payload with a good signature is read or refused with a reason, even if no serializer wrote it,
// or if it inflates.
func FuzzSignedPayload(f *testing.F) {
	const key, most = "hostile", 1 << 16
	const asIs, plain, compressed, asCompressed, legacy = 0, 1, 2, 3, 4
	for _, data := range []string{`{"a":1}`, `{"a":"\ud800","a":NaN}`, "[]", "{", "\x80\x04}\x8c\x01aK\x01s.", "x\x9c", ""} {
		for how := range 5 {
			f.Add([]byte(data), uint8(how))
		}
	}
	signers := map[string]*signing.TimestampSigner{}
	codecs := map[string]djsession.Codec{}
	for _, name := range []string{"signed", "transitional", "legacy", "cookie"} {
		for _, serializer := range []djsession.Serializer{djsession.JSONSerializer{}, djsession.PickleSerializer{}} {
			version, salt, make := "4.2", "django.contrib.sessions.SessionStore", djsession.NewCodec
			switch name {
			case "transitional":
				version = "3.2"
			case "legacy":
				version = "2.2"
			case "cookie":
				salt, make = "django.contrib.sessions.backends.signed_cookies", djsession.NewCookieCodec
			}
			s, err := djsession.NewSettings(version, key)
			if err != nil {
				f.Fatal(err)
			}
			s.MaxPayloadSize, s.SessionSerializer = most, serializer
			codec, err := make(s)
			if err != nil {
				f.Fatal(err)
			}
			signer, err := signing.NewTimestampSigner(signing.Options{SecretKey: key, Salt: salt})
			if err != nil {
				f.Fatal(err)
			}
			if _, pickled := serializer.(djsession.PickleSerializer); pickled {
				name += ", pickled"
			}
			codecs[name], signers[name] = codec, signer
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		for name, codec := range codecs {
			var payload []byte
			switch how % 5 {
			case asIs:
				payload = []byte(signers[name].Sign(string(data)))
			case plain:
				payload = signers[name].AppendObject(nil, data, false)
			case compressed:
				payload = signers[name].AppendObject(nil, data, true)
			case asCompressed:
				payload = []byte(signers[name].Sign("." + base64.RawURLEncoding.EncodeToString(data)))
			case legacy:
				hash, err := signing.SaltedHMAC("django.contrib.sessionsSessionStore", string(data), key, signing.SHA1)
				if err != nil {
					t.Fatal(err)
				}
				payload = base64.StdEncoding.AppendEncode(nil, append(append(hex.AppendEncode(nil, hash), ':'), data...))
			}
			decodes(t, name, codec, payload, most+len(payload))
		}
	})
}
