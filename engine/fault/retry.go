package fault

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Retry is the policy for making a call again: full jitter between attempts,
// and the pause that the other end asks for when it asks for one. The
// connection applies it, once per request; nothing above it retries.
type Retry struct {
	Attempts int           // in all, the first one included; below 1 means 1
	Base     time.Duration // the longest pause after the first attempt; doubles with each
	Cap      time.Duration // the longest pause of all, also of one that was asked for
	Within   time.Duration // no attempt begins later than this after the first; 0 = no bound
}

// DefaultRetry outlasts a restart of the other end (half a minute) and a rate
// limit counted by the minute.
func DefaultRetry() Retry {
	return Retry{Attempts: 6, Base: time.Second, Cap: 2 * time.Minute, Within: 10 * time.Minute}
}

// Next says whether a call that failed with err at the given attempt (the
// first is 1), begun elapsed ago, is to be made again, and after which pause.
func (r Retry) Next(attempt int, elapsed time.Duration, err error) (time.Duration, bool) {
	if class := ClassOf(err); class != Transient && class != Throttled || attempt >= r.Attempts {
		return 0, false
	}
	delay := r.Delay(attempt, err)
	return delay, r.Within <= 0 || elapsed+delay <= r.Within
}

// Delay is the pause after the given attempt (the first is 1): what a
// Throttled error asks for, else a random part of Base doubled with each
// attempt; never more than Cap. A pause that was asked for is lengthened by up
// to Base, so that parallel callers do not all come back at one moment.
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

// jitter is a random duration from 0 to limit.
func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return rand.N(limit + 1)
}
