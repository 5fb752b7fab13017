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

func TestExpiresShown(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 38, 8, 500, time.UTC)
	for d, want := range map[time.Duration]string{
		14*day - time.Hour + 5*time.Minute: "in 13 days 23 hours (2026-12-07 13:43:08 UTC)",
		day:                                "in 1 day (2026-11-24 14:38:08 UTC)",
		day + time.Minute:                  "in 1 day (2026-11-24 14:39:08 UTC)",
		time.Hour + time.Second:            "in 1 hour (2026-11-23 15:38:09 UTC)",
		90 * time.Second:                   "in 1 minute 30 seconds (2026-11-23 14:39:38 UTC)",
		time.Second / 2:                    "now (2026-11-23 14:38:08 UTC)",
		-time.Hour:                         "expired (2026-11-23 13:38:08 UTC)",
	} {
		if got := expiresShown(now.Add(d), now); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
