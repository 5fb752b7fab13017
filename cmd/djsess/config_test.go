package main

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	known := []string{"SECRET_KEY", "SECRET_KEY_FILE", "USE_TZ", "TIME_ZONE"}
	for name, want := range map[string]string{
		"SECRET_KYE": "SECRET_KEY", "SECRETKEYFILE": "SECRET_KEY_FILE", "use_tz": "USE_TZ", "TIMEZONE": "TIME_ZONE",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Whatever is wrong with a configuration, no message shows what it holds.
func TestParseConfigKeepsSecrets(t *testing.T) {
	const secret = "hunter2"
	for _, text := range []string{
		`SECRET_KEY = "hunter2"`,
		`settings = "hunter2"`,
		"[settings]\nSECRET_KEY = hunter2",
		"[settings]\nSECRET_KEY = \"hunter2",
		"[settings]\nSECRET_KEY = \"\\hunter2\"",
		"[settings]\nSECRET_KEY = \"hunter2\"\nSECRET_KEY = \"hunter2\"",
		"[settings]\nSECRET_KEY = [\"hunter2\"]",
		"[settings]\nSECRET_KEY_FALLBACKS = \"hunter2\"",
		"[settings]\nSECRET_KEY_FALLBACKS = [\"hunter2\", 2]",
		"[settings]\nUSE_TZ = \"hunter2\"",
		"[stores]\nmain = \"postgres://u:hunter2@h/d\"",
		"[stores.main]\npassword = \"hunter2\"",
		"[stores.main]\nengine = \"hunter2\"",
		"[settings]\nSESSION_ENGINE = \"hunter2\"",
		"[users]\nstore = \"postgres://u:hunter2@h/d\"",
		"[users]\ntable = \"t\"\nprimary_key = \"hunter2\"",
		"[stores.main]\nurl = [\"postgres://u:hunter2@h/d\"]",
	} {
		_, err := parseConfig("djsess.toml", text)
		if err == nil || strings.Contains(err.Error(), secret) || !strings.HasPrefix(err.Error(), "djsess.toml: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStoreURL(t *testing.T) {
	c := &config{file: "/site/djsess.toml", stores: map[string]storeConfig{
		"relative": {url: "sqlite:///a%20b%3F.sqlite3?timeout=1", table: "my.visits & more"},
		"absolute": {url: "sqlite:////data/db.sqlite3", timeZone: "Europe/Berlin"},
		"server":   {url: "postgres://u@h/d", table: "visits", timeZone: "UTC"},
	}}
	for name, want := range map[string]string{
		"relative": "sqlite:////site/a%20b%3F.sqlite3?timeout=1&table=my.visits+%26+more",
		"absolute": "sqlite:////data/db.sqlite3?time_zone=Europe%2FBerlin",
		"server":   "postgres://u@h/d?table=visits&time_zone=UTC",
	} {
		if got, err := c.storeURL(name, "--store"); got != want || err != nil {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, want)
		}
	}
}

func TestShown(t *testing.T) {
	for arg, want := range map[string]string{
		"lsit": `"lsit"`, "": `""`,
		"xekoxfksis1mis542hudvnv2wobc9ywv": `"xekoxf…"`,
		"user:password@host":               `"user…"`,
		"postgres://u:p@h":                 `"postgr…"`,
		"\x1b[2J":                          `"…"`,
	} {
		if got := shown(arg); got != want {
			t.Errorf("%q: got %s, want %s", arg, got, want)
		}
	}
}
