package job

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/state"
)

// Approving is an approval that a person gives.
type Approving struct {
	ID, By, Reason string
	// Alone does without the other people that guards.approvals asks for. It needs a Reason, and a
	// notification is sent.
	Alone bool
	// Show receives the refusal before anything is stored; may be nil.
	Show func(*baseline.Refusal)
}

// Approved is an approval that was stored.
type Approved struct {
	Refusal  *baseline.Refusal
	Approval *baseline.Approval
	// Needed is how many people must approve. Missing says in a sentence that others must, too; "" when
	// the approval allows a run.
	Needed  int
	Missing string
	Notes   []string
}

// Approve stores the approval of a refused run in a store. It returns a *fault.Invalid when the store
// has no such refusal, and when Alone does not fit.
func (f *File) Approve(ctx context.Context, in state.Store, a Approving) (*Approved, error) {
	sink, err := f.Definition.OpenSink(f.Settings())
	if err != nil {
		return nil, err
	}
	defer sink.Close()
	refused, _, err := baseline.Refused(in, sink.Place(), a.ID)
	if errors.Is(err, baseline.ErrNotStored) {
		return nil, &fault.Invalid{Reason: err.Error(), Remedy: fault.RemedyOf(err)}
	}
	if err != nil {
		return nil, err
	}
	if a.Show != nil {
		a.Show(refused)
	}
	most := f.Definition.File.Guards.Approvals
	out := &Approved{Refusal: refused, Needed: guard.Needed(refused, most)}
	switch {
	case !a.Alone:
	case strings.TrimSpace(a.Reason) == "":
		return nil, &fault.Invalid{Reason: "--alone needs a reason, for the audit ledger and the notification",
			Remedy: "add --reason TEXT"}
	case out.Needed == 1:
		return nil, &fault.Invalid{Reason: "one person is enough for this refusal", Remedy: "leave --alone out"}
	}
	approval := baseline.Approval{ID: a.ID, At: time.Now().UTC(), By: a.By, Reason: a.Reason, Alone: a.Alone}
	if _, out.Approval, err = baseline.Approve(in, sink.Place(), approval); err != nil {
		return nil, err
	}
	if a.Alone {
		out.Notes = f.NotifyAlone(ctx, approval)
	}
	if guard.TooFew(out.Approval, refused, most) != "" {
		out.Missing = guard.MorePeople(out.Approval)
	}
	return out, nil
}
