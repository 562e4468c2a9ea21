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

// Approver is who approves: a person, the caller has made sure of it.
type Approver struct {
	Name string
	// Proven means that the name is not only the person's own word: they signed in, or used a token
	// of their own. Where several people must approve, only proven names count.
	Proven bool
	// Identity is as in Request.
	Identity string
	Reason   string
}

// Approve allows one run within 24 hours whose guarded changes are among those of the refusal
// that waits, and asks for that run; the Ticket is empty while other people must approve it, too.
//
// It returns a *ConflictError when another refusal waits, or none, and a *ForbiddenError when
// the person asked for the refused run or pushed records for it.
func (p *Pipeline) Approve(ctx context.Context, id string, by Approver) (*baseline.Approval, Ticket, error) {
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
	if err := p.independent(ctx, by.Name, by.Identity); err != nil {
		return nil, Ticket{}, err
	}
	_, _, err = baseline.Approve(p.server.store(), p.place, baseline.Approval{
		ID: id, At: time.Now().UTC(), // runs compare it with the real time
		By: by.Name, Proven: by.Proven, Identity: by.Identity, Reason: by.Reason,
	})
	if err != nil {
		return nil, Ticket{}, err
	}
	a, err := p.withdraw(ctx, id)
	if err != nil {
		return nil, Ticket{}, err
	}
	if a == nil || a.UsedBy != "" { // this person, or a run, was faster
		return nil, Ticket{}, &ConflictError{Reason: fmt.Sprintf("refusal %s changed while it was approved", id),
			Remedy: "look at the last run; if a guard refused it, approve that refusal"}
	}
	if guard.TooFew(a, &waiting.Refusal.Refusal, p.approvers()) != "" {
		return a, Ticket{}, nil
	}
	t, err := p.enqueueStored(by)
	return a, t, err
}

// enqueueStored asks for the run of an approval or acceptance that is stored. A server that is about
// to end does not run it: the next one does.
func (p *Pipeline) enqueueStored(by Approver) (Ticket, error) {
	t, err := p.queue.add(
		Request{By: by.Name, Person: true, Identity: by.Identity, How: ByApproval, Changed: true}, time.Time{})
	if errors.Is(err, fault.ErrStopped) {
		err = nil
	}
	return t, err
}

// allowed reports whether enough people approved the refusal that waits, or accepted the rules of
// the run that was held, and no run followed.
func (p *Pipeline) allowed(ctx context.Context) (bool, error) {
	waiting, err := p.Waiting(ctx)
	if err != nil {
		return false, err
	}
	if waiting != nil {
		a, err := p.withdraw(ctx, waiting.Refusal.ID)
		if err != nil {
			return false, err
		}
		return a != nil && a.UsedBy == "" && time.Now().Before(a.Until()) &&
			guard.TooFew(a, &waiting.Refusal.Refusal, p.approvers()) == "", nil
	}
	runs, err := p.server.History.Runs(ctx, p.Name, "", 1)
	if err != nil || len(runs) == 0 || runs[0].Verdict != history.VerdictHeld {
		return false, err
	}
	accepted, err := p.server.History.RulesAccepted(ctx, p.Name, p.Status().Rules)
	return accepted, err
}

// ActWithdraw is the action of the audit log for an approval that does not count any more: its
// person has then asked for a run or pushed records.
const ActWithdraw = "approval withdrawn"

// withdraw removes from an unused approval the people who are responsible for what it allows by now,
// and returns what is left; nil when that is nothing. It is called before an approval counts.
func (p *Pipeline) withdraw(ctx context.Context, id string) (*baseline.Approval, error) {
	did := map[string]string{}
	var failed error
	left, dropped, err := baseline.Withdraw(p.server.store(), p.place, id, func(a baseline.Approver) bool {
		what, err := p.didSinceGood(ctx, a.By, a.Identity)
		failed = errors.Join(failed, err)
		did[a.By] = what
		return what != "" && failed == nil
	})
	for _, name := range dropped {
		p.server.o.Log.Warn("an approval does not count any more", "pipeline", p.Name, "refusal", id, "person", name,
			"since", did[name])
		err = errors.Join(err, p.server.History.Act(ctx, history.Action{At: p.server.Now(), Who: name, Action: ActWithdraw,
			Pipeline: p.Name, Detail: id + ": " + name + " " + did[name] + " since the last good run"}))
	}
	return left, errors.Join(failed, err)
}

// withdrawAll is withdraw for each approval that a run may use, before it begins: that of an earlier
// refusal counts, too.
func (p *Pipeline) withdrawAll(ctx context.Context) error {
	ids, err := baseline.Unused(p.server.store(), p.place, time.Now())
	for _, id := range ids {
		_, failed := p.withdraw(ctx, id)
		err = errors.Join(err, failed)
	}
	return err
}

// independent returns a *ForbiddenError when a person is responsible for what waits.
func (p *Pipeline) independent(ctx context.Context, by, identity string) error {
	did, err := p.didSinceGood(ctx, by, identity)
	if err != nil || did == "" {
		return err
	}
	return &ForbiddenError{
		Reason: fmt.Sprintf("%s %s since the last good run: another person must approve what followed", by, did),
	}
}

// didSinceGood returns what a person or token has done since the last good run began that makes
// them responsible for a refusal: asked for a run or pushed records; "" when they did neither.
// Later runs by the schedule do not change who is responsible.
func (p *Pipeline) didSinceGood(ctx context.Context, by, identity string) (string, error) {
	good, err := p.server.History.LastGood(ctx, p.Name)
	if errors.Is(err, history.ErrNotFound) {
		good, err = &history.Good{}, nil
	}
	if err != nil {
		return "", err
	}
	runs, err := p.server.History.Since(ctx, p.Name, good.Number)
	if err != nil {
		return "", err
	}
	for _, r := range runs {
		if slices.ContainsFunc(r.Asked, func(a history.Asked) bool {
			return a.How != ByApproval && baseline.Approver{By: a.By, Identity: a.Identity}.Is(by, identity)
		}) {
			return "asked for run " + r.ID, nil
		}
	}
	who, err := p.pushedSince(ctx, good.Action)
	if err != nil || !slices.ContainsFunc(who, func(name string) bool { return baseline.SamePerson(name, by) }) {
		return "", err
	}
	return "pushed records", nil
}
