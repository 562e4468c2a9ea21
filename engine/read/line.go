package read

import (
	"context"
	"sync"

	"github.com/sourcegraph/conc/stream"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/stage"
)

// work sends the records of a buffer through a line.
func (a *reading) work(ctx context.Context, cancel context.CancelCauseFunc, records *stage.SpillBuffer, s step) error {
	l := a.line(ctx, cancel, s)
	err := records.Drain(l.add)
	if lineErr := l.end(); lineErr != nil {
		return lineErr
	}
	return err
}

// line processes batches in parallel and commits their results in order. add blocks while all
// workers are busy, which is the back-pressure to the source. The first error of a batch
// cancels the phase.
type line struct {
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

func (a *reading) line(ctx context.Context, cancel context.CancelCauseFunc, s step) *line {
	return &line{a: a, ctx: ctx, cancel: cancel, step: s, stream: stream.New().WithMaxGoroutines(a.p.Limits.Workers)}
}

func (l *line) add(r *component.Record) error {
	lim := l.a.p.Limits
	if len(l.batch) > 0 && (len(l.batch) >= lim.BatchCount || l.bytes+len(r.Raw) > lim.BatchBytes) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.batch = append(l.batch, r)
	l.bytes += len(r.Raw)
	return nil
}

func (l *line) flush() error {
	if err := l.failed(); err != nil {
		return err
	}
	if err := l.ctx.Err(); err != nil {
		return context.Cause(l.ctx)
	}
	batch := l.batch
	l.batch, l.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	l.stream.Go(func() stream.Callback {
		w := <-l.a.workers
		res, err := guarded(func() (*result, error) { return l.step.work(l.ctx, w, batch) })
		l.a.workers <- w
		return func() {
			if l.failed() != nil {
				return
			}
			if err == nil {
				err = l.step.commit(res)
			}
			if err != nil {
				l.fail(err)
			}
		}
	})
	return nil
}

func (l *line) end() error {
	err := l.flush()
	l.stream.Wait()
	if failed := l.failed(); failed != nil {
		return failed
	}
	return err
}

func (l *line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
		l.cancel(err)
	}
}

func (l *line) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
