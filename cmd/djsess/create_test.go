package main

import (
	"testing"
	"time"
)

func TestParseLifetime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"24h": day, "14d": 14 * day, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "1h30m": 90 * time.Minute,
		"1000ms": time.Second, "65535d": 65535 * day,
		"": 0, "0": 0, "0d": 0, "d": 0, "-1d": 0, "1d-1h": 0, "-1h": 0, "1.5d": 0, "1.5s": 0, "10": 0, "1w": 0,
		"65536d": 0, "65535d2000000h": 0, "1d1d": 0,
	} {
		got, err := parseLifetime(text)
		if (err == nil) != (want > 0) || err == nil && got != want {
			t.Errorf("%q: got %v, %v; want %v", text, got, err, want)
		}
	}
}
