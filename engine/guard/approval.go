package guard

import (
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/fault"
)

// manyChanges is the number of changes above which several people must approve a refusal.
const manyChanges = 1000

// Approvers returns how many people must approve changes with these numbers, where the file asks for
// most of them: most when a document opens to everybody or there are very many changes, otherwise 1.
func Approvers(counts []baseline.ChangeCount, most int) int {
	n := 0
	for _, c := range counts {
		n += c.Items
		if n > manyChanges || c.After == access.AllUsers.String() || c.After == access.DatasourceUsers.String() {
			return max(1, most)
		}
	}
	return 1
}

// TooFew returns why an approval of a refusal allows nothing yet, in a sentence; "" when enough
// people gave it, or one of them did without the others. most is guards.approvals of the file.
func TooFew(approval *baseline.Approval, refused *baseline.Refusal, most int) string {
	needed := Needed(refused, most)
	if approval.Alone || approval.Voters() >= needed {
		return ""
	}
	return fmt.Sprintf("Approval %s needs %d people and has %d: %s.", approval.ID, needed, approval.Voters(),
		MorePeople(approval))
}

// Needed returns how many people must approve a refusal: what the file asked for when the run was
// refused, or asks for now when that is more.
func Needed(refused *baseline.Refusal, most int) int {
	return Approvers(refused.Counts, max(most, refused.Approvers))
}

// MorePeople says what is missing when an approval has too few people.
func MorePeople(approval *baseline.Approval) string {
	if approval.Proven {
		return "another person must approve it with a token of their own, or signed in to pipe serve"
	}
	return fmt.Sprintf("%s gave this name without a proof, and one person could give several; "+
		"each must approve with a token of their own, or signed in to pipe serve", approval.By)
}

// ClockError is how far the time of an approval may be ahead of this machine's clock.
const ClockError = time.Hour

// Approval is an ID that a person approved, on the command line or with pipe approve.
type Approval struct {
	ID     string
	Called bool // named on the command line
	// Changes are the changes of the refused run; nil when they are not stored in this state
	// folder. The approval then allows only a run with exactly this ID.
	Changes []fault.Change
	// Void is why the approval allows nothing; "" when it is valid.
	Void string
}

// Coverage is the set of changes that approvals allow. A nil Coverage covers nothing.
type Coverage struct {
	changes map[[2]uint64]bool
	counts  map[string]int // the largest approved number, by the key of changes without an ID
	// shown is the number of items in the shortest list that shows a whole place; 0 when there
	// is no such list.
	shown int
}

// NewCoverage returns a Coverage of all changes in the given lists.
func NewCoverage(lists ...[]fault.Change) *Coverage {
	c := &Coverage{changes: map[[2]uint64]bool{}, counts: map[string]int{}}
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

// Left returns how much of a change is not covered, in the measure of Change.N.
func (c *Coverage) Left(ch fault.Change) int {
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

// leftOf returns the sum of Left and the number of changes that are not covered completely.
func (c *Coverage) leftOf(changes []fault.Change) (sum, count int) {
	for _, ch := range changes {
		if n := c.Left(ch); n > 0 {
			sum += n
			count++
		}
	}
	return sum, count
}

// join links the refusals of several guards and sets the ID of each to the digest of all their
// changes. When a refusal has no changes, the run cannot be approved and the ID stays empty.
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

// approvable is a guard whose refusal a person can approve. It returns nil when what cover does
// not cover is within its bounds.
type approvable func(plan *component.Plan, holdings component.Holdings, cover *Coverage) *fault.Refusal

// judge runs the guards, and runs them again without the changes that approvals cover. A run
// that is not allowed is refused with all changes that the guards counted, whether covered or
// not, which makes one approval of the new ID sufficient.
func (v *Review) judge(plan *component.Plan, holdings component.Holdings, guards []approvable) error {
	ask := func(cover *Coverage) []*fault.Refusal {
		var out []*fault.Refusal
		for _, check := range guards {
			if r := check(plan, holdings, cover); r != nil {
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
	for _, a := range v.Approvals {
		if a.Void != "" {
			unmatched = append(unmatched, a.Void)
			continue
		}
		list := a.Changes
		if refused.ID == a.ID {
			list = changes
		}
		if list == nil {
			unmatched = append(unmatched,
				fmt.Sprintf("Approval %s did not match: its list is not stored here, and this run has another ID.", a.ID))
			continue
		}
		lists = append(lists, list)
		ids = append(ids, a.ID)
	}
	cover := NewCoverage(lists...)
	left := ask(cover)
	if refused.ID != "" && len(left) == 0 {
		v.Cover = cover
		for i, list := range lists {
			if _, n := NewCoverage(list).leftOf(changes); n < len(changes) {
				v.Used = append(v.Used, ids[i])
			}
		}
		return nil
	}
	for i, list := range lists {
		_, n := NewCoverage(list).leftOf(changes)
		switch covered := len(changes) - n; {
		case covered == 0 && !v.called(ids[i]): // a stored approval of other changes
		case covered == 0:
			unmatched = append(unmatched, fmt.Sprintf("Approval %s did not match: it covers none of these changes.", ids[i]))
		case refused.ID == "":
			unmatched = append(unmatched, fmt.Sprintf("Approval %s does not allow this run: it cannot be approved.", ids[i]))
		case n == 0:
			unmatched = append(unmatched,
				fmt.Sprintf("Approval %s does not allow this run: it showed documents that are missing now, more than max_loss.",
					ids[i]))
		default:
			unmatched = append(unmatched,
				fmt.Sprintf("Approval %s covers %s of the %s changes; the others are too many.", ids[i], display.Number(covered),
					display.Number(len(changes))))
		}
	}
	refused.Approvals = unmatched
	return refused
}

func (v *Review) called(id string) bool {
	return slices.ContainsFunc(v.Approvals, func(a Approval) bool { return a.ID == id && a.Called })
}
