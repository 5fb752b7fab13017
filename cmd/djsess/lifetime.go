package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/djsess/djsess/djsession/filestore"
)

const day = 24 * time.Hour

// lifetime is the flag --expires: a time.Duration with days, in whole seconds.
type lifetime time.Duration

func (l *lifetime) String() string { return "" } // no default to show
func (l *lifetime) Type() string   { return "a time to live of whole seconds, such as 14d, 24h or 1h30m" }

func (l *lifetime) Set(text string) error {
	d, err := parseLifetime(text)
	if err == nil {
		*l = lifetime(d)
	}
	return err
}

func parseLifetime(text string) (time.Duration, error) {
	var d time.Duration
	rest := text
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16) // 179 years
		if err != nil {
			return 0, err
		}
		d, rest = time.Duration(n)*day, after
	}
	if rest != "" || text == "" {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, err
		}
		if more < 0 {
			return 0, fmt.Errorf("negative")
		}
		d += more
	}
	if d <= 0 || d%time.Second != 0 { // an overflow, too
		return 0, fmt.Errorf("not a positive number of whole seconds")
	}
	return d, nil
}

// expiresShown says when a session ends, and how long that is from now.
func expiresShown(expires, now time.Time) string {
	if expires.Equal(filestore.Never) || expires.IsZero() {
		return timeShown(expires)
	}
	return remaining(expires.Sub(now)) + " (" + timeShown(expires) + ")"
}

func timeShown(t time.Time) string {
	switch {
	case t.IsZero():
		return unknown
	case t.Equal(filestore.Never):
		return never
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// never is the end of a session with seconds of its own in the engine file.
const never = "never"

// unknown is the end of a session in a store that does not tell, as Memcached.
const unknown = "unknown"

// remaining is a duration in its two largest units.
func remaining(d time.Duration) string {
	if d < 0 {
		return "expired"
	}
	units := []struct {
		name string
		size time.Duration
	}{{"day", day}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	text, count := "in", 0
	for _, u := range units {
		n := int64(d / u.size)
		d -= time.Duration(n) * u.size
		if n > 0 {
			text += fmt.Sprintf(" %d %s", n, u.name)
			if n > 1 {
				text += "s"
			}
		}
		if n > 0 || count > 0 {
			if count++; count == 2 {
				break
			}
		}
	}
	if count == 0 {
		return "now"
	}
	return text
}
