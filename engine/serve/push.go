package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/job"
)

// The actions of the audit log that are about pushed records.
const (
	ActBeginSet   = "begin a set"
	ActCommitSet  = "commit a set"
	ActAbortSet   = "abort a set"
	ActPushRecord = "push a record"
	ActDelete     = "delete a record"
)

// changing are the actions that change what the next run reads.
var changing = []string{ActCommitSet, ActPushRecord, ActDelete}

// expireEvery is how often what has expired is removed from a store.
const expireEvery = time.Hour

// pushed is the store of the records that are pushed to a pipeline. It is opened for the first
// request, and again after an edit of the pipeline file.
type pushed struct {
	mu      sync.Mutex
	now     *openRecords // nil while the store is not open
	closed  bool
	leases  sync.WaitGroup
	expired time.Time
}

// openRecords is an open store. It is closed when it is replaced and no request uses it.
type openRecords struct {
	component.RecordStore
	text string // of the pipeline file
	uses int
	old  bool
}

// WithRecords calls do with the store of the records that are pushed to the pipeline. do must not
// use it after its return. WithRecords returns a *ConflictError when the pipeline reads its
// source, and fault.ErrStopped when the server is about to end.
func (p *Pipeline) WithRecords(ctx context.Context, do func(component.RecordStore) error) error {
	store, err := p.leaseRecords(ctx)
	if err != nil {
		return err
	}
	defer p.releaseRecords(store)
	return do(store)
}

func (p *Pipeline) leaseRecords(ctx context.Context) (*openRecords, error) {
	file := p.file.inUse()
	text := file.text
	if !file.takesRecords {
		return nil, &ConflictError{Reason: "this pipeline reads its source; nothing can be pushed",
			Remedy: "push to a pipeline with source: {push: …}"}
	}
	p.pushed.mu.Lock()
	defer p.pushed.mu.Unlock()
	if p.pushed.closed {
		return nil, fault.ErrStopped
	}
	if now := p.pushed.now; now == nil || now.text != string(text) {
		store, err := p.openRecords(ctx, text)
		if err != nil {
			return nil, err
		}
		p.replaceRecords(&openRecords{RecordStore: store, text: string(text)})
	}
	p.pushed.now.uses++
	p.pushed.leases.Add(1)
	return p.pushed.now, nil
}

func (p *Pipeline) openRecords(ctx context.Context, text []byte) (component.RecordStore, error) {
	f, err := job.Load(ctx, p.server.jobOptions(p, text))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Definition.OpenRecords(ctx, f.Settings())
}

// replaceRecords uses another store from now on; nil means none. The caller holds pushed.mu.
func (p *Pipeline) replaceRecords(with *openRecords) {
	if before := p.pushed.now; before != nil {
		before.old = true
		p.closeRecords(before)
	}
	p.pushed.now = with
}

func (p *Pipeline) releaseRecords(store *openRecords) {
	p.pushed.mu.Lock()
	defer p.pushed.mu.Unlock()
	store.uses--
	p.closeRecords(store)
	p.pushed.leases.Done()
}

// closeRecords closes a store that was replaced and has no use. The caller holds pushed.mu.
func (p *Pipeline) closeRecords(store *openRecords) {
	if !store.old || store.uses > 0 {
		return
	}
	if err := store.Close(); err != nil {
		p.server.o.Log.Error("a store of pushed records was not closed", "pipeline", p.Name, "error", err)
	}
}

// endRecords closes the store when the requests that use it have ended.
func (p *Pipeline) endRecords() {
	p.pushed.mu.Lock()
	p.pushed.closed = true
	p.replaceRecords(nil)
	p.pushed.mu.Unlock()
	p.pushed.leases.Wait()
}

// expireRecords removes what has expired from an open store, once an hour.
func (p *Pipeline) expireRecords(ctx context.Context) {
	now := p.server.o.Clock.Now()
	p.pushed.mu.Lock()
	due := p.pushed.now != nil && now.Sub(p.pushed.expired) >= expireEvery
	if due {
		p.pushed.expired = now
	}
	p.pushed.mu.Unlock()
	if !due {
		return
	}
	err := p.WithRecords(ctx, func(store component.RecordStore) error {
		gone, err := store.Expire(ctx)
		for _, set := range gone.Sets {
			p.server.o.Log.Info("a set of pushed records expired", "pipeline", p.Name, "set", set)
		}
		return err
	})
	if conflict := new(ConflictError); err != nil && ctx.Err() == nil && !errors.As(err, &conflict) {
		p.server.o.Log.Error("expired records were not removed", "pipeline", p.Name, "error", err)
	}
}

// pushedSince returns who pushed records after an action of the audit log. An attempt that failed
// counts, too.
func (p *Pipeline) pushedSince(ctx context.Context, action int64) ([]string, error) {
	who, err := p.server.History.Actors(ctx, p.Name, action, changing...)
	if err != nil {
		return nil, fmt.Errorf("look for pushed records: %w", err)
	}
	return who, nil
}
