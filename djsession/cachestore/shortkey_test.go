package cachestore_test

import (
	"testing"

	"github.com/djsess/djsess/djsession/cachestore"
)

func TestShortKey(t *testing.T) {
	for key, want := range map[string]string{
		":1:django.contrib.sessions.cache9f3c1a2b3c4d":         "9f3c1a…",
		"site:2:django.contrib.sessions.cached_db9f3c1a2b3c4d": "9f3c1a…",
		"9f3c1a2b3c4d":                     "9f3c1a…",
		"by-a-function":                    "by-a-f…",
		":1:":                              ":1:",
		"":                                 "",
		":1:django.contrib.sessions.cache": "",
	} {
		if got := cachestore.ShortKey(key); got != want {
			t.Errorf("%q is shown as %q, want %q", key, got, want)
		}
	}
}
