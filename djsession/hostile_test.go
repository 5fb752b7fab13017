package djsession_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/djangotest"
)

// paddedHeads are payloads that begin like the legacy form. Their first 56 characters of base64
// contain padding, and so decode to fewer bytes than a hash and a colon.
func paddedHeads() (payloads []string) {
	hash := hex.EncodeToString(make([]byte, 20))
	for n := 30; n <= 42; n++ {
		text := (hash + ":more")[:n]
		encoded := base64.StdEncoding.EncodeToString([]byte(text))
		for _, rest := range []string{"", "rest", "====", ":", encoded} {
			payloads = append(payloads, encoded+rest)
		}
	}
	return append(payloads,
		strings.Repeat("A", 54)+"==",
		strings.Repeat("A", 54)+"==rest",
		strings.Repeat("A", 55)+"=",
		strings.Repeat("=", 56),
		strings.Repeat("A", 52)+"====",
		"MTFmNmFkOGVjNTJhMjk4NGFiYWFmZDdjM2I1MTY1MDM3ODVjMjA3Mg==",
		"Hh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHiUdS4==",
	)
}

// everyCodec returns the codecs of all Djangos and engines.
func everyCodec(t testing.TB) map[string]djsession.Codec {
	codecs := map[string]djsession.Codec{}
	for name, c := range map[string]struct {
		version string
		make    func(*djsession.Settings) (djsession.Codec, error)
	}{
		"signed":          {"5.2", djsession.NewCodec},
		"transitional":    {"3.2", djsession.NewCodec},
		"legacy":          {"2.2", djsession.NewCodec},
		"legacy, for 5.2": {"5.2", djsession.NewLegacyCodec},
		"cookie":          {"5.2", djsession.NewCookieCodec},
		"cookie of 2.2":   {"2.2", djsession.NewCookieCodec},
	} {
		s, err := djsession.NewSettings(c.version, "hostile")
		if err != nil {
			t.Fatal(err)
		}
		if codecs[name], err = c.make(s); err != nil {
			t.Fatal(err)
		}
	}
	return codecs
}

// Data that only begin like a payload are a PayloadError of every codec. Every Django takes them
// for an empty session.
func TestPaddingInPlaceOfAHash(t *testing.T) {
	payloads := paddedHeads()
	for name, codec := range everyCodec(t) {
		t.Run(name, func(t *testing.T) {
			for _, payload := range payloads {
				_, _, err := codec.Decode([]byte(payload))
				var bad *djsession.PayloadError
				if !errors.As(err, &bad) {
					t.Errorf("%q: %v", payload, err)
				}
			}
		})
	}
	for _, version := range djangotest.Djangos() {
		t.Run("Django "+version, func(t *testing.T) {
			var decoded []string
			djangotest.Start(t, version, nil).Do(t, `
				import binascii
				from django.contrib.sessions.backends.db import SessionStore
				def decode(payload):
					try:
						return repr(SessionStore().decode(payload))
					except binascii.Error: # which Django 2.2 raises for broken base64
						return "{}"
				result = [decode(payload) for payload in args]
			`, payloads, &decoded)
			for i, got := range decoded {
				if got != "{}" {
					t.Errorf("%q is %s", payloads[i], got)
				}
			}
		})
	}
}
