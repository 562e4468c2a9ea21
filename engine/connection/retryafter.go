package connection

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter is the pause that an answer asks for, 0 when it asks for none:
// Retry-After as seconds or date, else, with 429 (limiters send these with
// every answer), RateLimit-Reset as seconds or X-RateLimit-Reset as seconds or
// seconds since 1970. Dates are compared with the answer's own Date, because the clock of
// this machine may be wrong.
func retryAfter(status int, h http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	if v := strings.TrimSpace(h.Get("Retry-After")); v != "" {
		if at, err := http.ParseTime(v); err == nil {
			return max(0, at.Sub(now))
		}
		return seconds(v)
	}
	if status != http.StatusTooManyRequests {
		return 0
	}
	if d := seconds(h.Get("RateLimit-Reset")); d > 0 {
		return d
	}
	d := seconds(h.Get("X-RateLimit-Reset"))
	if d >= epochs {
		return max(0, time.Unix(int64(d/time.Second), 0).Sub(now))
	}
	return d
}

// epochs is the number of seconds from which on a reset is a moment and not a
// pause: the year 2001.
const epochs = 1_000_000_000 * time.Second

func seconds(s string) time.Duration {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(f > 0 && f < 9e9) {
		return 0
	}
	return time.Duration(f * float64(time.Second))
}
