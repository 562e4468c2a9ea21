package read

import (
	"context"
	"sync"

	"github.com/sourcegraph/conc/stream"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// work processes the records of a buffer with a batchRunner.
func (a *reading) work(ctx context.Context, cancel context.CancelCauseFunc, records *stage.SpillBuffer, s step) error {
	b := a.newRunner(ctx, cancel, s)
	err := records.Drain(b.add)
	if lineErr := b.end(); lineErr != nil {
		return lineErr
	}
	return err
}

// batchRunner processes batches in parallel and commits their results in order. add blocks while
// all workers are busy, which is the back-pressure to the source. The first error of a batch
// cancels the phase.
type batchRunner struct {
	a      *reading
	ctx    context.Context
	cancel context.CancelCauseFunc
	step   step
	stream *stream.Stream
	batch  []*component.Record
	bytes  int
	mu     sync.Mutex
	err    error
}

func (a *reading) newRunner(ctx context.Context, cancel context.CancelCauseFunc, s step) *batchRunner {
	return &batchRunner{a: a, ctx: ctx, cancel: cancel, step: s,
		stream: stream.New().WithMaxGoroutines(a.p.Limits.Workers)}
}

func (b *batchRunner) add(r *component.Record) error {
	lim := b.a.p.Limits
	if len(b.batch) > 0 && (len(b.batch) >= lim.BatchCount || b.bytes+len(r.Raw) > lim.BatchBytes) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.batch = append(b.batch, r)
	b.bytes += len(r.Raw)
	return nil
}

func (b *batchRunner) flush() error {
	if err := b.failed(); err != nil {
		return err
	}
	if err := b.ctx.Err(); err != nil {
		return context.Cause(b.ctx)
	}
	batch := b.batch
	b.batch, b.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	b.stream.Go(func() stream.Callback {
		w := <-b.a.workers
		res, err := guarded(func() (*result, error) { return b.step.work(b.ctx, w, batch) })
		b.a.workers <- w
		return func() {
			if b.failed() != nil {
				return
			}
			if err == nil {
				err = b.step.commit(res)
			}
			if err != nil {
				b.fail(err)
			}
		}
	})
	return nil
}

func (b *batchRunner) end() error {
	err := b.flush()
	b.stream.Wait()
	if failed := b.failed(); failed != nil {
		return failed
	}
	return err
}

func (b *batchRunner) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
		b.cancel(err)
	}
}

func (b *batchRunner) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
