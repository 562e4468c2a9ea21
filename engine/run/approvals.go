package run

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
)

// findApprovals returns the approvals on the command line, and the stored ones that are neither
// used nor expired.
func (r *run) findApprovals() []guard.Approval {
	var out []guard.Approval
	for _, id := range r.o.Approve {
		if !slices.ContainsFunc(out, func(a guard.Approval) bool { return a.ID == id }) {
			out = append(out, r.calledApproval(id))
		}
	}
	if r.store == nil {
		return out
	}
	for _, id := range r.store.Approvals() {
		if slices.ContainsFunc(out, func(a guard.Approval) bool { return a.ID == id }) {
			continue
		}
		a, err := r.store.Approval(id)
		if err != nil {
			out = append(out, guard.Approval{ID: id, Void: fmt.Sprintf("Approval %s cannot be read: %v.", id, err)})
			continue
		}
		switch age := time.Since(a.At); {
		case a.UsedBy != "":
			continue
		case age < -guard.ClockError:
			out = append(out, guard.Approval{ID: id, Void: fmt.Sprintf("Approval %s is dated %s, which is in the future. "+
				"Check this machine's clock; to allow it: pipe approve FILE %s.", id, display.Time(a.At), id)})
			continue
		case age > baseline.ApprovalTime:
			if age < 2*baseline.ApprovalTime { // a recent approval without effect is explained
				out = append(out,
					guard.Approval{ID: id,
						Void: fmt.Sprintf("Approval %s has expired: it was given on %s and was valid for 24 hours.", id,
							display.Time(a.At))})
			}
			continue
		}
		one := guard.Approval{ID: id}
		if refused, err := r.store.Refusal(id); err == nil {
			one.Changes = refused.Changes
			one.Void = guard.TooFew(a, refused, r.p.Limits.Approvers)
		} else if errors.Is(err, baseline.ErrNotStored) {
			one.Void = r.unlisted(id)
		} else {
			one.Void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
		}
		out = append(out, one)
	}
	return out
}

// calledApproval returns the approval for an ID on the command line. It allows one complete
// run: of a command that is repeated every night, it allows only the first.
func (r *run) calledApproval(id string) guard.Approval {
	out := guard.Approval{ID: id, Called: true}
	if r.store == nil {
		out.Void = r.unlisted(id)
		return out
	}
	a, err := r.store.Approval(id)
	switch {
	case err == nil && a.UsedBy != "":
		out.Void = fmt.Sprintf("Approval %s was used by run %s on %s.", id, a.UsedBy, display.Time(a.UsedAt))
	case err != nil && !errors.Is(err, baseline.ErrNotStored):
		out.Void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
	}
	if err != nil {
		a = nil
	}
	people := r.called(id, a)
	refused, err := r.store.Refusal(id)
	switch {
	case err == nil:
		out.Changes = refused.Changes
		if out.Void == "" {
			out.Void = guard.TooFew(people, refused, r.p.Limits.Approvers)
		}
	case errors.Is(err, baseline.ErrNotStored) && out.Void == "":
		out.Void = r.unlisted(id)
	case !errors.Is(err, baseline.ErrNotStored) && out.Void == "":
		out.Void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
	}
	return out
}

// called returns the approval of the person who named an ID on the command line, with a stored one
// that is not used; earlier may be nil.
func (r *run) called(id string, earlier *baseline.Approval) *baseline.Approval {
	a := baseline.Approval{ID: id, At: time.Now().UTC(), By: r.o.By}.After(earlier)
	return &a
}

// unlisted returns why an approval allows nothing where several people must approve some changes,
// and the state folder does not list what this one allows; "" elsewhere.
func (r *run) unlisted(id string) string {
	if r.p.Limits.Approvers <= 1 {
		return ""
	}
	return fmt.Sprintf("Approval %s cannot be used: guards.approvals asks for several people, and there is no list of "+
		"its changes.", id)
}

// storeRefusal stores the changes of a refused run for its approval. Without them, an approval
// allows only a run with exactly these changes.
func (r *run) storeRefusal(err error) {
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.ID == "" || r.store == nil {
		return
	}
	s := baseline.Refusal{ID: refused.ID, At: time.Now().UTC(), Run: r.o.RunID, Pipeline: r.p.Name,
		Approvers: r.p.Limits.Approvers, Changes: refused.AllChanges()}
	if earlier, err := r.store.Refusal(refused.ID); err == nil {
		s.Approvers = max(s.Approvers, earlier.Approvers)
	}
	for one := refused; one != nil; one = one.Also {
		s.Reasons = append(s.Reasons, one.Error())
	}
	if a, err := r.store.Approval(refused.ID); err == nil && a.UsedBy != "" {
		for one := refused; one != nil; one = one.Also {
			one.Used = true
		}
	}
	if err := r.store.Refuse(s); err != nil {
		refused.Approvals = append(refused.Approvals,
			fmt.Sprintf("The list of changes was not stored (%v): --approve allows only a run with exactly these changes.", err))
	}
}

// noteApprovals reports the approvals that allow this run, and those on the command line that
// it did not need.
func (r *run) noteApprovals() {
	v := r.reviewer
	r.report.Approved = v.Used
	for _, a := range v.Approvals {
		if a.Called && !slices.Contains(v.Used, a.ID) {
			r.note("approval %s was not needed", a.ID)
		}
	}
	if len(v.Used) > 0 {
		r.note("allowed by approval %s", strings.Join(v.Used, ", "))
	}
}

// markApprovalsUsed marks the approvals that this run used as used.
func (r *run) markApprovalsUsed() error {
	if r.store == nil {
		return nil
	}
	for _, id := range r.reviewer.Used {
		now := time.Now().UTC()
		caller := baseline.Approval{ID: id, At: now, By: r.o.By, UsedBy: r.o.RunID, UsedAt: now}
		if err := r.store.Use(caller, slices.Contains(r.o.Approve, id)); err != nil {
			return err
		}
	}
	return nil
}
