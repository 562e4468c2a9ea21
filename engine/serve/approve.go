package serve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/job"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// ConflictError means that a request does not fit what there is now: a refusal can no longer be
// approved as it was shown, or a pipeline takes no records.
type ConflictError struct{ Reason, Remedy string }

// Error returns the reason.
func (e *ConflictError) Error() string { return e.Reason }

// ForbiddenError means that this person must not approve this refusal.
type ForbiddenError struct{ Reason string }

// Error returns the reason.
func (e *ForbiddenError) Error() string { return e.Reason }

// Waiting is a refusal that waits for approval.
type Waiting struct {
	Run     *history.Run
	Refusal *baseline.Refusal
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
	refused, approved, err := baseline.Refused(p.server.state, p.place, last.Refusal)
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

// approvers is guards.approvals of the file.
func (p *Pipeline) approvers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

// Needed returns how many people must approve a refusal.
func (w *Waiting) Needed(p *Pipeline) int { return guard.Approvers(w.Refusal.Changes, p.approvers()) }

// Approve allows one run within 24 hours whose guarded changes are among those of the refusal
// that waits, and asks for that run; the Ticket is empty while other people must approve it, too.
// by is a person: the caller has made sure of it.
//
// It returns a *ConflictError when another refusal waits, or none, and a *ForbiddenError when
// the person asked for the refused run or pushed records for it.
func (p *Pipeline) Approve(ctx context.Context, id, by, reason string) (*baseline.Approval, Ticket, error) {
	waiting, err := p.Waiting(ctx)
	if err != nil {
		return nil, Ticket{}, err
	}
	if waiting == nil || waiting.Refusal.ID != id {
		return nil, Ticket{}, &ConflictError{
			Reason: fmt.Sprintf("refusal %s does not wait for approval: a later run of %s ended differently", id, p.Name),
			Remedy: "look at the last run; if a guard refused it, approve that refusal",
		}
	}
	if did, err := p.didSinceGood(ctx, by); err != nil {
		return nil, Ticket{}, err
	} else if did != "" {
		return nil, Ticket{}, &ForbiddenError{
			Reason: fmt.Sprintf("%s %s since the last good run: another person must approve what followed", by, did),
		}
	}
	a := baseline.Approval{ID: id, At: time.Now().UTC(), By: by, Reason: reason} // runs compare it with the real time
	if _, err := baseline.Approve(p.server.state, p.place, a); err != nil {
		return nil, Ticket{}, err
	}
	_, stored, err := baseline.Refused(p.server.state, p.place, id)
	if err != nil {
		return nil, Ticket{}, err
	}
	a = *stored
	if guard.TooFew(id, waiting.Refusal.Changes, a.People(), a.Alone, p.approvers()) != "" {
		return &a, Ticket{}, nil
	}
	t, err := p.enqueue(Request{By: by, Person: true, How: ByApproval, Changed: true})
	if errors.Is(err, fault.ErrStopped) {
		err = nil // the approval is stored, and the next server runs the pipeline
	}
	return &a, t, err
}

// didSinceGood returns what a person or token has done since the last good run began that makes
// them responsible for a refusal: asked for a run or pushed records; "" when they did neither.
// Later runs by the schedule do not change who is responsible.
func (p *Pipeline) didSinceGood(ctx context.Context, by string) (string, error) {
	const page = 100
	var since time.Time
all:
	for before := ""; ; {
		runs, err := p.server.History.Runs(ctx, p.Name, before, page)
		if err != nil {
			return "", err
		}
		for _, r := range runs {
			if Good(r) {
				since = r.Started
				break all
			}
			if slices.ContainsFunc(r.Asked, func(a history.Asked) bool { return a.By == by && a.How != ByApproval }) {
				return "asked for run " + r.ID, nil
			}
		}
		if len(runs) < page {
			break
		}
		before = runs[len(runs)-1].ID
	}
	if pushed, err := p.pushedSince(ctx, by, since); err != nil || !pushed {
		return "", err
	}
	return "pushed records", nil
}

// Good reports whether a run delivered what it read.
func Good(r *history.Run) bool {
	switch job.Class(r.Class) {
	case job.Done, job.Rejected, job.Unconfirmed:
		return !r.Dry && !r.Ended.IsZero()
	}
	return false
}

// Until returns when an approval expires.
func Until(a *baseline.Approval) time.Time { return a.At.Add(guard.ApprovalTime) }
