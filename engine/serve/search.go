package serve

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// indexTime is how long an index for searching is kept after its last use: it holds private text.
const indexTime = 30 * time.Minute

// search is the index of a pipeline for searching as a person.
type search struct {
	mu      sync.Mutex
	now     *openIndex // nil while there is none
	reading bool
	read    chan struct{} // closed when the reading ends
	err     error         // why the last reading failed
	failed  time.Time     // when it did
	closed  bool
	ctx     context.Context // of the server while it runs; ends with it
}

// openIndex is an index that is in use from now on.
type openIndex struct {
	*preview.Index
	used     time.Time
	replaced chan struct{} // closed when it is no longer that of the pipeline
}

// SearchStatus is the state of the index of a pipeline.
type SearchStatus struct {
	Ready   bool
	Built   time.Time
	Reading bool
	Err     error // why the last reading failed; nil when it did not
}

// SearchStatus returns the state of the index.
func (p *Pipeline) SearchStatus() SearchStatus {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	s := SearchStatus{Ready: p.search.now != nil, Reading: p.search.reading, Err: p.search.err}
	if s.Ready {
		s.Built = p.search.now.Built
	}
	return s
}

// Index returns the index, which stays open until release is called; nil while there is none. An
// index is closed when it was not used for half an hour, when another one replaces it, and when
// the server ends.
func (p *Pipeline) Index() (x *preview.Index, release func()) {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	now := p.search.now
	if now == nil {
		return nil, func() {}
	}
	now.used = p.server.o.Clock.Now()
	return now.Lend()
}

// ReadIndex begins to read the source, as a dry run does, for a new index. It returns at once:
// SearchStatus says when the index is ready. While one is read it does nothing. It returns
// fault.ErrStopped when the server is about to end.
func (p *Pipeline) ReadIndex() error {
	text := p.file.inUse().text
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	ctx := p.search.ctx
	if p.search.closed || ctx == nil {
		return fault.ErrStopped
	}
	if p.search.reading {
		return nil
	}
	p.search.reading, p.search.read = true, make(chan struct{})
	p.background.Go(func() {
		x, err := p.buildIndex(ctx, text)
		if err != nil {
			p.server.o.Log.Error("the documents to search were not read", "pipeline", p.Name, "error", err)
			p.search.mu.Lock()
			defer p.search.mu.Unlock()
			p.endReading(err)
			return
		}
		p.keepIndex(ctx, x)
	})
	return nil
}

// keepIndex makes an index that of the pipeline, and closes it when it was not used for a while,
// when it is replaced, and when ctx ends.
func (p *Pipeline) keepIndex(ctx context.Context, x *preview.Index) {
	mine := &openIndex{Index: x, replaced: make(chan struct{})}
	p.useIndex(mine)
	for kept := true; kept; {
		timer, release := p.server.o.Clock.After(p.unusedIn(mine))
		select {
		case <-timer:
			kept = p.unusedIn(mine) > 0
		case <-mine.replaced:
			kept = false
		case <-ctx.Done():
			kept = false
		}
		release()
	}
	p.search.mu.Lock()
	if p.search.now == mine {
		p.search.now = nil
	}
	p.search.mu.Unlock()
	if err := x.Close(); err != nil {
		p.server.o.Log.Error("an index was not removed", "pipeline", p.Name, "error", err)
	}
}

// useIndex makes an index that was read that of the pipeline.
func (p *Pipeline) useIndex(x *openIndex) {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	if p.search.now != nil {
		close(p.search.now.replaced)
	}
	x.used = p.server.o.Clock.Now()
	p.search.now = x
	p.endReading(nil)
}

// endReading says how a reading has ended. The caller holds search.mu.
func (p *Pipeline) endReading(err error) {
	p.search.reading, p.search.err, p.search.failed = false, err, p.server.Now()
	close(p.search.read)
}

// unusedIn returns how long until an index that is not used must be closed.
func (p *Pipeline) unusedIn(x *openIndex) time.Duration {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	return x.used.Add(indexTime).Sub(p.server.o.Clock.Now())
}

func (p *Pipeline) buildIndex(ctx context.Context, text []byte) (_ *preview.Index, err error) {
	defer p.recovered("the reading of the documents to search", &err)
	select { // it takes the memory of a run
	case p.server.slots <- struct{}{}:
		defer func() { <-p.server.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	j, err := job.Open(ctx, p.server.jobOptions(p, text))
	if err != nil {
		return nil, err
	}
	defer j.Close()
	index, err := preview.Build(ctx, j, "", job.RunOptions{})
	if err != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return index, nil
}

// beginSearch allows the reading of indexes until ctx ends.
func (p *Pipeline) beginSearch(ctx context.Context) {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	p.search.ctx = ctx
}

// endSearch ends the reading of an index and closes the one that there is.
func (p *Pipeline) endSearch() {
	p.search.mu.Lock()
	p.search.closed = true
	p.search.mu.Unlock()
	p.background.Wait()
}
