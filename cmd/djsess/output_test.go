package main

import (
	"testing"
	"time"
)

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
