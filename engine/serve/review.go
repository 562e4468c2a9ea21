package serve

import (
	"context"
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// hold returns the refusal of a run whose rules a person has yet to accept, with Options.Review;
// nil when the run may send. A pipeline that never sent anything is not held: its guards have
// nothing to compare with either, and a person looks at a first run. When it is not known what is
// accepted, the run is held.
func (p *Pipeline) hold(ctx context.Context, rules string) *fault.Refusal {
	if !p.server.o.Review {
		return nil
	}
	good, err := p.server.History.LastGood(ctx, p.Name)
	if errors.Is(err, history.ErrNotFound) {
		if !baseline.Exists(p.server.store(), p.place) {
			return nil
		}
		good, err = &history.Good{}, nil
	}
	if err == nil && good.Rules == rules {
		return nil
	}
	accepted := false
	if err == nil {
		accepted, err = p.server.History.RulesAccepted(ctx, p.Name, rules)
	}
	if accepted {
		return nil
	}
	refusal := &fault.Refusal{Guard: "rules", Remedy: "look at the run, and accept its rules on its page"}
	switch {
	case err != nil:
		refusal.Reason = "the history cannot be read, so it is not known whether a person accepted them"
		p.server.o.Log.Error("the run does not send anything, since the history cannot be read", "pipeline", p.Name,
			"error", err)
	case good.Rules == "":
		refusal.Reason = fmt.Sprintf("those of the last good run are not known; %.12s wait for a review", rules)
	default:
		refusal.Reason = fmt.Sprintf("what the file sends or who finds it changed (%.12s, now %.12s) and waits for a review",
			good.Rules, rules)
	}
	return refusal
}

// AcceptRules accepts the rules in use with a hash, and asks for a run. by is a person: the caller
// has made sure of it. It returns a *ConflictError when other rules are in use now, and when the
// last run was not held for these, and a *ForbiddenError when the person asked for that run.
func (p *Pipeline) AcceptRules(ctx context.Context, rules string, by Approver) (Ticket, error) {
	if now := p.Status().Rules; now != rules {
		return Ticket{}, &ConflictError{
			Reason: fmt.Sprintf("the pipeline file has changed since: its rules are %.12s now", now),
			Remedy: "look at the last run, and accept those",
		}
	}
	last, err := p.server.History.Reviewed(ctx, p.Name)
	if err != nil && !errors.Is(err, history.ErrNotFound) {
		return Ticket{}, err
	}
	if last == nil || last.Verdict != history.VerdictHeld || last.Rules != rules {
		return Ticket{}, &ConflictError{
			Reason: "no run was held for these rules: there are no figures for a review",
			Remedy: "start a run, and look at it",
		}
	}
	if err := p.independent(ctx, by.Name, by.Identity); err != nil {
		return Ticket{}, err
	}
	err = p.server.History.AcceptRules(ctx, p.Name, rules,
		history.Approval{Person: by.Name, At: p.server.Now(), Reason: by.Reason})
	if err != nil {
		return Ticket{}, err
	}
	return p.enqueueStored(by)
}
