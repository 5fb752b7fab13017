package cachestore_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/djsess/djsess/djsession"
	"github.com/djsess/djsess/djsession/cachestore"
)

func TestKeys(t *testing.T) {
	backwards := func(key, prefix string, version int) string {
		return fmt.Sprintf("%s/%d/%s", key, version, prefix)
	}
	hashTag := func(key, prefix string, version int) string { return "{" + prefix + "}" + key }
	for name, c := range map[string]struct {
		config cachestore.Config
		want   string
		listed bool
	}{
		"django's":           {cachestore.Config{}, cacheKey, true},
		"prefix and version": {cachestore.Config{KeyPrefix: "site", Version: 2}, "site:2:django.contrib.sessions.cache" + key, true},
		"negative version":   {cachestore.Config{Version: -1}, ":-1:django.contrib.sessions.cache" + key, true},
		"function":           {cachestore.Config{KeyPrefix: "p", KeyFunction: hashTag}, "{p}django.contrib.sessions.cache" + key, true},
		"odd function":       {cachestore.Config{KeyPrefix: "p", KeyFunction: backwards}, "django.contrib.sessions.cache" + key + "/1/p", false},
		"function without keys": {cachestore.Config{KeyFunction: func(key, _ string, _ int) string { return fmt.Sprint(len(key)) }},
			fmt.Sprint(len("django.contrib.sessions.cache" + key)), false},
	} {
		cache := listed{memory: newMemory()}
		store := newStore(t, cache, c.config)
		if _, err := store.Create(t.Context(), key, nil, time.Time{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if cache.items[c.want] == nil {
			t.Errorf("%s: stored %v", name, cache.items)
		}
		found, errs := scan(t, store, djsession.Range{})
		if c.listed && !slices.Equal(found, []string{key}) || !c.listed && (len(found) > 0 || len(errs) != 1 || !errors.Is(errs[0], errors.ErrUnsupported)) {
			t.Errorf("%s: found %q, %v", name, found, errs)
		}
	}
}

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
