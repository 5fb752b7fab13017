package djsession_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

// unshown are characters that control a terminal or mislead a reader.
var unshown = []string{"\x00", "\x1b", "\n", "\x7f", "\u0085", "\u009b", "\u200e", "\u202e", "\u2066", "\u2028", "\u2029", "\u00ad", "\ufeff", "\xff"}

// A key that a visitor sends cannot control a terminal or begin a new line.
func TestShortKeyShowsOnlyWhatPrints(t *testing.T) {
	for _, c := range unshown {
		if got := djsession.ShortKey("ab" + c + "cdefghij"); got != "ab…" {
			t.Errorf("%q: %q", c, got)
		}
		if got := cachestore.ShortKey(":1:django.contrib.sessions.cacheab" + c + "cdefghij"); got != "ab…" {
			t.Errorf("%q in a cache key: %q", c, got)
		}
	}
	for key, want := range map[string]string{
		"r3qadfek5kmi61bv2lkvpmqhyooyrysh": "r3qadf…", "ünïcödé0": "ünïcöd…", "short": "short", "": "",
	} {
		if got := djsession.ShortKey(key); got != want {
			t.Errorf("%q: %q", key, got)
		}
	}
}

// An error that quotes a visitor or a server cannot do so either.
func TestLogEventsEscapes(t *testing.T) {
	for _, c := range unshown {
		var log bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			djsession.LogEvents(slog.New(handler))(t.Context(), djsession.Event{Kind: djsession.EventSave, Err: errors.New("server said ab" + c + "cd")})
		}
		for _, r := range strings.ReplaceAll(log.String(), "\n", "") {
			if !unicode.IsPrint(r) {
				t.Errorf("%q: the log holds %q: %q", c, r, log.String())
			}
		}
		if strings.Count(log.String(), "\n") != 2 {
			t.Errorf("%q: %q", c, log.String())
		}
	}
}
