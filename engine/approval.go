package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// ApprovalTime is how long a stored approval allows a run.
const ApprovalTime = 24 * time.Hour

// ClockError is how far the time of an approval may lie ahead of this machine's.
const ClockError = time.Hour

// IsApprovalID reports whether a text has the form of a refusal's ID.
func IsApprovalID(text string) bool { return fault.IsID(text) }

// approval is an ID that a person approved, for this call or with Approve.
type approval struct {
	id     string
	called bool // the call names it
	// changes are what the refused run would have changed; nil when they are not
	// stored here. The approval then allows only a run with exactly this ID.
	changes []fault.Change
	// void is why it allows nothing; "" when it does.
	void string
}

// coverage is what approvals allow. Nil covers nothing.
type coverage struct {
	changes map[[2]uint64]bool
	counts  map[string]int // by the key of changes without an ID: up to how many
	// shown is how many items the shortest list has that shows a whole place, 0 when
	// none does.
	shown int
}

func newCoverage(lists ...[]fault.Change) *coverage {
	c := &coverage{changes: map[[2]uint64]bool{}, counts: map[string]int{}}
	for _, list := range lists {
		shown := 0
		for _, ch := range list {
			if placed(ch) {
				shown++
			}
			if ch.ID == "" {
				c.counts[ch.Key()] = max(c.counts[ch.Key()], ch.N)
			} else {
				c.changes[fault.Fingerprint(ch.Key())] = true
			}
		}
		if shown > 0 && (c.shown == 0 || shown < c.shown) {
			c.shown = shown
		}
	}
	return c
}

// left is how much of a change is not covered, in the measure of Change.N.
func (c *coverage) left(ch fault.Change) int {
	switch {
	case c == nil:
		return ch.N
	case ch.ID == "":
		return max(0, ch.N-c.counts[ch.Key()])
	case c.changes[fault.Fingerprint(ch.Key())]:
		return 0
	}
	return ch.N
}

// leftOf is the sum of left, and how many changes are not covered whole.
func (c *coverage) leftOf(changes []fault.Change) (sum, count int) {
	for _, ch := range changes {
		if n := c.left(ch); n > 0 {
			sum += n
			count++
		}
	}
	return sum, count
}

// join chains the refusals of several guards and gives all of them the ID of
// all their changes. Where one has no changes the run cannot be approved, and
// there is no ID.
func join(refusals []*fault.Refusal) *fault.Refusal {
	var all []fault.Change
	approvable := true
	for i, r := range refusals {
		if i+1 < len(refusals) {
			r.Also = refusals[i+1]
		}
		approvable = approvable && len(r.Changes) > 0
		all = append(all, r.Changes...)
	}
	if len(refusals) == 0 {
		return nil
	}
	if approvable {
		id := fault.Digest(all)
		for _, r := range refusals {
			r.ID = id
		}
	}
	return refusals[0]
}

// approvable is a guard whose refusal a person can allow. It returns nil when
// what the coverage leaves is within its bounds.
type approvable func(plan *component.Plan, held component.Holdings, cover *coverage) *fault.Refusal

// judge asks the guards, and then asks again without what approvals cover. A run
// that is not allowed is refused with all that the guards counted, covered or not,
// so one approval of the new ID is enough.
func (v *review) judge(plan *component.Plan, held component.Holdings, guards []approvable) error {
	ask := func(cover *coverage) []*fault.Refusal {
		var out []*fault.Refusal
		for _, guard := range guards {
			if r := guard(plan, held, cover); r != nil {
				out = append(out, r)
			}
		}
		return out
	}
	refused := join(ask(nil))
	if refused == nil {
		return nil
	}
	changes := refused.AllChanges()
	var lists [][]fault.Change
	var ids, unmatched []string
	for _, a := range v.approvals {
		if a.void != "" {
			unmatched = append(unmatched, a.void)
			continue
		}
		list := a.changes
		if refused.ID == a.id {
			list = changes
		}
		if list == nil {
			unmatched = append(unmatched, fmt.Sprintf("Approval %s did not match: its list is not stored here, and this run has another ID.", a.id))
			continue
		}
		lists = append(lists, list)
		ids = append(ids, a.id)
	}
	cover := newCoverage(lists...)
	left := ask(cover)
	if refused.ID != "" && len(left) == 0 {
		v.cover = cover
		for i, list := range lists {
			if _, n := newCoverage(list).leftOf(changes); n < len(changes) {
				v.used = append(v.used, ids[i])
			}
		}
		return nil
	}
	for i, list := range lists {
		_, n := newCoverage(list).leftOf(changes)
		switch covered := len(changes) - n; {
		case covered == 0 && !v.called(ids[i]): // a stored approval of something else
		case covered == 0:
			unmatched = append(unmatched, fmt.Sprintf("Approval %s did not match: it covers none of these changes.", ids[i]))
		case refused.ID == "":
			unmatched = append(unmatched, fmt.Sprintf("Approval %s does not allow this run: it cannot be approved.", ids[i]))
		case n == 0:
			unmatched = append(unmatched, fmt.Sprintf("Approval %s does not allow this run: it showed documents that are missing now, more than max_loss.", ids[i]))
		default:
			unmatched = append(unmatched, fmt.Sprintf("Approval %s covers %s of the %s changes; the others are too many.", ids[i], display.Number(covered), display.Number(len(changes))))
		}
	}
	refused.Approvals = unmatched
	return refused
}

func (v *review) called(id string) bool {
	return slices.ContainsFunc(v.approvals, func(a approval) bool { return a.id == id && a.called })
}

// findApprovals are those that the call names and those that are stored and not
// yet used or expired.
func (r *run) findApprovals() []approval {
	var out []approval
	for _, id := range r.o.Approve {
		if !slices.ContainsFunc(out, func(a approval) bool { return a.id == id }) {
			out = append(out, r.calledApproval(id))
		}
	}
	if r.store == nil {
		return out
	}
	for _, id := range r.store.Approvals() {
		if slices.ContainsFunc(out, func(a approval) bool { return a.id == id }) {
			continue
		}
		a, err := r.store.Approval(id)
		if err != nil {
			out = append(out, approval{id: id, void: fmt.Sprintf("Approval %s cannot be read: %v.", id, err)})
			continue
		}
		switch age := time.Since(a.At); {
		case a.UsedBy != "":
			continue
		case age < -ClockError:
			out = append(out, approval{id: id, void: fmt.Sprintf("Approval %s is dated %s, which is in the future. Check this machine's clock; to allow it: pipe approve FILE %s.", id, display.Time(a.At), id)})
			continue
		case age > ApprovalTime:
			if age < 2*ApprovalTime { // a recent approval without effect is explained
				out = append(out, approval{id: id, void: fmt.Sprintf("Approval %s has expired: it was given on %s and was valid for 24 hours.", id, display.Time(a.At))})
			}
			continue
		}
		one := approval{id: id}
		if refused, err := r.store.Refusal(id); err == nil {
			one.changes = refused.Changes
		} else if !errors.Is(err, baseline.ErrNotStored) {
			one.void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
		}
		out = append(out, one)
	}
	return out
}

// calledApproval is an ID that the call names. It allows one complete run, so
// that a call that is repeated every night allows the first one alone.
func (r *run) calledApproval(id string) approval {
	out := approval{id: id, called: true}
	if r.store == nil {
		return out
	}
	a, err := r.store.Approval(id)
	switch {
	case err == nil && a.UsedBy != "":
		out.void = fmt.Sprintf("Approval %s was used by run %s on %s.", id, a.UsedBy, display.Time(a.UsedAt))
	case err != nil && !errors.Is(err, baseline.ErrNotStored):
		out.void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
	}
	refused, err := r.store.Refusal(id)
	switch {
	case err == nil:
		out.changes = refused.Changes
	case !errors.Is(err, baseline.ErrNotStored) && out.void == "":
		out.void = fmt.Sprintf("Approval %s cannot be used: %v.", id, err)
	}
	return out
}

// storeRefusal keeps the changes of a refused run for its approval. Without it an
// approval allows only a run with exactly these changes.
func (r *run) storeRefusal(err error) {
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.ID == "" {
		return
	}
	if r.store == nil {
		return
	}
	s := baseline.Refusal{ID: refused.ID, At: time.Now().UTC(), Run: r.o.RunID, Pipeline: r.p.Name, Changes: refused.AllChanges()}
	for one := refused; one != nil; one = one.Also {
		s.Reasons = append(s.Reasons, one.Error())
	}
	if a, err := r.store.Approval(refused.ID); err == nil && a.UsedBy != "" {
		for one := refused; one != nil; one = one.Also {
			one.Used = true
		}
	}
	if err := r.store.Refuse(s); err != nil {
		refused.Approvals = append(refused.Approvals, fmt.Sprintf("The list of changes was not stored (%v): --approve allows only a run with exactly these changes.", err))
	}
}

// noteApprovals reports the approvals that allow this run, and those that the
// call names and that it does not need.
func (r *run) noteApprovals() {
	v := r.reviewer
	r.report.Approved = v.used
	for _, a := range v.approvals {
		if a.called && !slices.Contains(v.used, a.id) {
			r.note("approval %s was not needed", a.id)
		}
	}
	if len(v.used) > 0 {
		r.note("allowed by approval %s", strings.Join(v.used, ", "))
	}
}

// spend marks the approvals that this run needed as used.
func (r *run) spend() error {
	if r.store == nil {
		return nil
	}
	for _, id := range r.reviewer.used {
		a, err := r.store.Approval(id)
		if err != nil {
			a = &baseline.Approval{ID: id, At: time.Now().UTC(), By: r.o.By}
		}
		a.UsedBy, a.UsedAt = r.o.RunID, time.Now().UTC()
		if err := r.store.Approve(*a); err != nil {
			return err
		}
	}
	return nil
}

// Refused is a stored refusal of a place, and its approval when there is one.
func Refused(dir, place, id string) (*baseline.Refusal, *baseline.Approval, error) {
	store, err := baseline.Open(dir, place)
	if err != nil {
		return nil, nil, baseline.Unusable(err)
	}
	refused, err := store.Refusal(id)
	if errors.Is(err, baseline.ErrNotStored) {
		return nil, nil, fault.Errorf(fault.Fatal, "look for the ID in the refused run's output; --state must name the folder of that run; on another machine run once with --approve "+id, "refused run %s: %w", id, err)
	}
	if err != nil {
		return nil, nil, fault.Errorf(fault.Fatal, "run again and approve the ID that it prints", "%w", err)
	}
	approved, err := store.Approval(id)
	if errors.Is(err, baseline.ErrNotStored) {
		return refused, nil, nil
	}
	return refused, approved, err
}

// Approve allows, for 24 hours, one run whose guarded changes are among those of
// a stored refusal.
func Approve(dir, place string, a baseline.Approval) (*baseline.Refusal, error) {
	refused, before, err := Refused(dir, place, a.ID)
	if err != nil {
		return nil, err
	}
	if before != nil && !refused.At.After(before.UsedAt) {
		return nil, fault.Errorf(fault.Fatal, "run again; when it is refused, approve the ID that it prints", "approval %s was used by run %s on %s, and no run was refused for these changes since", a.ID, before.UsedBy, display.Time(before.UsedAt))
	}
	store, err := baseline.Open(dir, place)
	if err != nil {
		return nil, baseline.Unusable(err)
	}
	a.UsedBy, a.UsedAt = "", time.Time{}
	return refused, store.Approve(a)
}
