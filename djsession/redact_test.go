package djsession_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/internal/testing/fixture"
	"github.com/djsess/djsess/signing"
)

func TestNothingSecretIsPrinted(t *testing.T) {
	const secret, key = "very-secret-key", "sessionkey0123456789"
	s, err := djsession.NewSettings("5.2", secret)
	if err != nil {
		t.Fatal(err)
	}
	s.SecretKeyFallbacks = []string{secret + "2"}
	r := &djsession.Record{Key: key, Version: "payload", Values: fixture.Values(t, `{"a":"private"}`)}
	o := signing.Options{SecretKey: secret, SecretKeyFallbacks: []string{secret}}
	cookies := signing.CookieSigner{Options: o}
	for _, value := range []any{s, *s, r, *r, o, &o, cookies, struct{ S *djsession.Settings }{s}} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
		text := fmt.Sprintf("%v %+v %#v %s", value, value, value, value)
		if _, nested := value.(struct{ S *djsession.Settings }); nested {
			text = fmt.Sprintf("%v", value)
		} else if _, nested := value.(signing.CookieSigner); !nested {
			text += log.String()
		}
		for _, private := range []string{secret, key, "private", "payload"} {
			if strings.Contains(text, private) {
				t.Errorf("%T shows %s: %s", value, private, text)
			}
		}
	}
}
