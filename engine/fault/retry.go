package fault

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Retry is the policy for repeating a call: full jitter between attempts, or the pause that the
// server asks for. The connection applies it once per request; nothing above it retries.
type Retry struct {
	Attempts int           // in total, including the first; values below 1 mean 1
	Base     time.Duration // upper limit of the pause after the first attempt; doubles with each attempt
	Cap      time.Duration // upper limit of every pause, including one that the server asks for
	Within   time.Duration // no attempt begins later than this after the first; 0 means no limit
}

// DefaultRetry outlasts a restart of the server (half a minute) and a rate limit that is
// counted by the minute.
func DefaultRetry() Retry {
	return Retry{Attempts: 6, Base: time.Second, Cap: 2 * time.Minute, Within: 10 * time.Minute}
}

// Next returns whether to repeat a call that failed with err, and after which pause. attempt is
// the number of the failed attempt, from 1; elapsed is the time since the first one began.
func (r Retry) Next(attempt int, elapsed time.Duration, err error) (time.Duration, bool) {
	if class := ClassOf(err); class != Transient && class != Throttled || attempt >= r.Attempts {
		return 0, false
	}
	delay := r.Delay(attempt, err)
	return delay, r.Within <= 0 || elapsed+delay <= r.Within
}

// Delay returns the pause after an attempt, from 1: the delay of a Throttled error, or else a
// random part of Base doubled with each attempt; at most Cap. It lengthens the delay of a
// Throttled error by up to Base, which keeps parallel callers from returning at the same
// moment.
func (r Retry) Delay(attempt int, err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.Class == Throttled && e.Delay > 0 {
		return min(e.Delay+jitter(r.Base), r.Cap)
	}
	ceiling := r.Base
	for i := 1; i < attempt && ceiling < r.Cap; i++ {
		ceiling *= 2
	}
	return jitter(min(ceiling, r.Cap))
}

// jitter returns a random duration from 0 to limit.
func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return rand.N(limit + 1)
}
