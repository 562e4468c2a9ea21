package serve

import "time"

// Clock is the time of a server. The zero value of Options uses the real one.
type Clock interface {
	Now() time.Time
	// After returns a channel that receives once, after a duration. stop releases it earlier.
	After(d time.Duration) (c <-chan time.Time, stop func() bool)
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) After(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}
