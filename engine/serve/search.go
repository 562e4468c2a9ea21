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
	index   *preview.Index // nil while there is none
	used    time.Time
	reading bool
	err     error // why the last reading failed
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
	s := SearchStatus{Ready: p.search.index != nil, Reading: p.search.reading, Err: p.search.err}
	if s.Ready {
		s.Built = p.search.index.Built
	}
	return s
}

// Index returns the index, nil while there is none. It is closed when it was not used for half
// an hour, when another one replaces it, and when the server ends.
func (p *Pipeline) Index() *preview.Index {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	p.search.used = time.Now()
	return p.search.index
}

// ReadIndex begins to read the source, as a dry run does, for a new index. It returns at once:
// SearchStatus says when the index is ready. While one is read it does nothing. It returns
// fault.ErrStopped when the server is about to end.
func (p *Pipeline) ReadIndex() error {
	p.mu.Lock()
	stopped, text := p.stopped || p.ctx == nil, p.text
	ctx := p.ctx
	p.mu.Unlock()
	if stopped {
		return fault.ErrStopped
	}
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	if p.search.reading {
		return nil
	}
	p.search.reading, p.search.used = true, time.Now()
	p.background.Go(func() {
		index, err := p.buildIndex(ctx, text)
		p.search.mu.Lock()
		defer p.search.mu.Unlock()
		p.search.reading, p.search.err = false, err
		if err != nil {
			p.server.o.Log.Error("the documents to search were not read", "pipeline", p.Name, "error", err)
			return
		}
		p.closeIndex()
		p.search.index = index
	})
	return nil
}

// closeIndex closes the index that there is. The caller holds search.mu.
func (p *Pipeline) closeIndex() {
	if p.search.index == nil {
		return
	}
	if err := p.search.index.Close(); err != nil {
		p.server.o.Log.Error("an index was not removed", "pipeline", p.Name, "error", err)
	}
	p.search.index = nil
}

func (p *Pipeline) buildIndex(ctx context.Context, text []byte) (*preview.Index, error) {
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

// forgetIndex closes an index that was not used for a while.
func (p *Pipeline) forgetIndex() {
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	if !p.search.reading && time.Since(p.search.used) > indexTime {
		p.closeIndex()
	}
}

// endSearch ends the reading of an index and closes it.
func (p *Pipeline) endSearch() {
	p.background.Wait()
	p.search.mu.Lock()
	defer p.search.mu.Unlock()
	p.closeIndex()
}
