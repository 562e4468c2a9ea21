package upload

import (
	"context"
	"time"
)

// patience bounds how long the status is polled for a page whose answer was lost.
type patience struct {
	sleep       func(context.Context, time.Duration) error
	left, delay time.Duration
	retried     bool // a page was sent again without waiting
}

func (p *Publisher) patience() *patience {
	return &patience{sleep: p.clock.Sleep, left: p.cfg.RecoveryWait.D(), delay: time.Second}
}

// next waits, each time longer; false when it is no use to wait any more.
func (p *patience) next(ctx context.Context) bool {
	d := min(p.delay, p.left)
	p.left -= d
	p.delay *= 2
	return d > 0 && p.sleep(ctx, d) == nil
}
