package glean

import (
	"context"
	"time"
)

// clock is the time, which tests replace.
type clock struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
}

// systemClock is the clock of this machine.
func systemClock() *clock { return &clock{now: time.Now, sleep: sleep} }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
