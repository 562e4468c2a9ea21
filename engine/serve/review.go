package serve

import (
	"context"
	"errors"
	"fmt"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/serve/history"
)

// held returns the rules of the last good run when Options.Review holds a run with other rules;
// "" when it does not. A pipeline without a good run is not held: its guards have nothing to
// compare with either, and a person looks at a first run.
func (p *Pipeline) held(ctx context.Context, rules string) (before string, err error) {
	if !p.server.o.Review {
		return "", nil
	}
	before, err = p.server.History.GoodRules(ctx, p.Name)
	if errors.Is(err, history.ErrNotFound) {
		return "", nil
	}
	if err != nil || before == rules {
		return "", err
	}
	accepted, err := p.server.History.RulesAccepted(ctx, p.Name, rules)
	if err != nil || accepted {
		return "", err
	}
	return before, nil
}

// heldCause is the cause of a run that was held.
func heldCause(before, now string) string {
	return fmt.Sprintf("mapping, permissions, transforms or plugins changed (%.12s, now %.12s) and wait for a review",
		before, now)
}

// AcceptRules accepts the rules in use with a hash, and asks for a run. by is a person: the caller
// has made sure of it. It returns a *ConflictError when other rules are in use now.
func (p *Pipeline) AcceptRules(ctx context.Context, rules, by, reason string) (Ticket, error) {
	if now := p.Status().Rules; now != rules {
		return Ticket{}, &ConflictError{
			Reason: fmt.Sprintf("the pipeline file has changed since: its rules are %.12s now", now),
			Remedy: "look at the last run, and accept those",
		}
	}
	err := p.server.History.AcceptRules(ctx, p.Name, rules,
		history.Approval{Person: by, At: p.server.Now(), Reason: reason})
	if err != nil {
		return Ticket{}, err
	}
	t, err := p.enqueue(Request{By: by, Person: true, How: ByApproval, Changed: true})
	if errors.Is(err, fault.ErrStopped) {
		err = nil // the acceptance is stored, and the next server runs the pipeline
	}
	return t, err
}
