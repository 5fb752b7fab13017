package memcache

import (
	"math"
	"time"
)

// expired is a time that is over, for Memcached: it takes 0 for never.
const expired = -1

// longestRelative is the last number that Memcached takes for seconds from now. It
// takes larger ones for Unix time.
const longestRelative = 30 * 24 * time.Hour / time.Second

// expiration is get_backend_timeout: Python's int() cuts fractions off.
func expiration(timeout time.Duration, now time.Time) int32 {
	seconds := timeout / time.Second
	switch {
	case seconds <= 0:
		return expired
	case seconds > longestRelative:
		return int32(min(now.Unix()+int64(seconds), math.MaxInt32))
	}
	return int32(seconds)
}

// ends is when an item of this expiration ends.
func ends(expiration int32, now time.Time) time.Time {
	if time.Duration(expiration) > longestRelative {
		return time.Unix(int64(expiration), 0)
	}
	return now.Add(time.Duration(expiration) * time.Second)
}
