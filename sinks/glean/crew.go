package glean

import (
	"context"

	"github.com/sourcegraph/conc/pool"
)

// crew does tasks in parallel. Its first error ends them all.
type crew struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	size   int
	pool   *pool.Pool
}

func newCrew(ctx context.Context, size int) *crew {
	ctx, cancel := context.WithCancelCause(ctx)
	return &crew{ctx: ctx, cancel: cancel, size: size, pool: pool.New().WithMaxGoroutines(size)}
}

// do begins a task, when one of the crew is free.
func (c *crew) do(task func(context.Context) error) {
	c.pool.Go(func() {
		if err := task(c.ctx); err != nil {
			c.cancel(err)
		}
	})
}

// rest waits until all tasks that were begun have ended.
func (c *crew) rest() {
	c.pool.Wait()
	c.pool = pool.New().WithMaxGoroutines(c.size)
}

// wait waits for all tasks. It is what failed first, else err.
func (c *crew) wait(err error) error {
	c.pool.Wait()
	defer c.cancel(nil)
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return err
}
