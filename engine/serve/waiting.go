package serve

import (
	"context"
	"errors"
	"sync"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/serve/history"
	"github.com/pipe-engine/pipe/engine/state"
)

// Waiting is a refusal that waits for approval.
type Waiting struct {
	Run *history.Run
	// Refusal has the counts of the changes; see Pipeline.Changes for the changes themselves.
	Refusal *baseline.Summary
	// Approval is what people have approved so far; nil when none was given.
	Approval *baseline.Approval
}

// Waiting returns the refusal that waits for approval; nil when the last run was not refused, or
// the refusal was approved and the next run has not ended yet.
func (p *Pipeline) Waiting(ctx context.Context) (*Waiting, error) {
	last, err := p.server.History.Reviewed(ctx, p.Name)
	if errors.Is(err, history.ErrNotFound) || err == nil && last.Refusal == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	refused, approved, err := p.refusal.summary(p.server.store(), p.place, last.Refusal)
	if errors.Is(err, baseline.ErrNotStored) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if approved != nil && approved.UsedBy != "" && !refused.At.After(approved.UsedAt) {
		return nil, nil
	}
	return &Waiting{Run: last, Refusal: refused, Approval: approved}, nil
}

// Changes returns the changes of a refusal that waits. They may be very many: they are read for each
// call, one call after another.
func (p *Pipeline) Changes(w *Waiting) ([]fault.Change, error) {
	p.refusal.mu.Lock()
	defer p.refusal.mu.Unlock()
	refused, _, err := baseline.Refused(p.server.store(), p.place, w.Refusal.ID)
	if err != nil {
		return nil, err
	}
	return refused.Changes, nil
}

// refusal keeps what was read of the refusal that waits: each page and metric asks for it. However
// many ask at once, the file is read by one of them, and again only after a change.
type refusal struct {
	mu   sync.Mutex
	last *baseline.Summary // nil at first
}

func (r *refusal) summary(in state.Store, place, id string) (*baseline.Summary, *baseline.Approval, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	refused, approved, err := baseline.Summarized(in, place, id, r.last)
	if refused != nil {
		r.last = refused
	}
	return refused, approved, err
}

// approvers is guards.approvals of the file.
func (p *Pipeline) approvers() int {
	return p.file.inUse().approvals
}

// Needed returns how many people must approve a refusal.
func (w *Waiting) Needed(p *Pipeline) int { return guard.Needed(&w.Refusal.Refusal, p.approvers()) }

// Missing returns what is missing when an approval of the refusal has too few people; "" when it
// has enough.
func (w *Waiting) Missing(p *Pipeline, a *baseline.Approval) string {
	if guard.TooFew(a, &w.Refusal.Refusal, p.approvers()) == "" {
		return ""
	}
	return guard.MorePeople(a)
}
