package baseline

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
)

// ApprovalTime is how long an approval is valid.
const ApprovalTime = 24 * time.Hour

// keptApprovals is how long approvals are kept.
const keptApprovals = 400 * 24 * time.Hour

// Approval allows a refused run once. By and Reason are for audits.
type Approval struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"` // when the last of the people approved
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Proven means that By is not only the person's own word: they used a token of their own, or
	// signed in.
	Proven bool `json:"proven,omitempty"`
	// Identity is a hash of who By is at an identity provider; "" when none has said it. A person
	// keeps it when their name changes.
	Identity string `json:"identity,omitempty"`
	// Others approved before By, each another person.
	Others []Approver `json:"others,omitempty"`
	// Alone means that one of the people did without the others that the file asks for, in an
	// emergency.
	Alone bool `json:"alone,omitempty"`
	// UsedBy is the run that used the approval, at UsedAt; empty while it is unused.
	UsedBy string    `json:"used_by,omitempty"`
	UsedAt time.Time `json:"used_at,omitzero"`
}

// Approver is one of several people who approved a refusal.
type Approver struct {
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	Proven bool      `json:"proven,omitempty"`
	// Identity is as in Approval.
	Identity string `json:"identity,omitempty"`
}

// Is reports whether an approver has a name or an identity, which may be "".
func (a Approver) Is(name, identity string) bool {
	return SamePerson(a.By, name) || identity != "" && a.Identity == identity
}

// SamePerson reports whether two names are spellings of one: upper case and blanks around a name
// do not make another person.
func SamePerson(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// WithoutReasons returns the approval without what people wrote: it may name records. It may be
// called on nil.
func (a *Approval) WithoutReasons() *Approval {
	if a == nil {
		return nil
	}
	out := *a
	out.Reason, out.Others = "", slices.Clone(a.Others)
	for i := range out.Others {
		out.Others[i].Reason = ""
	}
	return &out
}

// Until returns when the approval expires.
func (a *Approval) Until() time.Time { return a.At.Add(ApprovalTime) }

// approvers returns everyone who approved, By last.
func (a *Approval) approvers() []Approver {
	return append(slices.Clone(a.Others), Approver{a.By, a.At, a.Reason, a.Proven, a.Identity})
}

// People returns the names of everyone who approved.
func (a *Approval) People() []string {
	var people []string
	for _, one := range a.approvers() {
		people = append(people, one.By)
	}
	return people
}

// Voters returns how many people have approved for certain. Names that people gave themselves, as
// pipe approve does on a machine, may all be one person: they count when no proven name does, as
// one.
func (a *Approval) Voters() int {
	n := 0
	for _, one := range a.approvers() {
		if one.Proven {
			n++
		}
	}
	return max(1, n)
}

// After returns the approval together with an earlier one of the same refusal that has not been
// used. Approvals that have expired are left out, and each person is named once.
func (a Approval) After(earlier *Approval) Approval {
	if earlier == nil || earlier.UsedBy != "" {
		return a
	}
	a.Others = nil
	for _, o := range earlier.approvers() {
		switch {
		case a.At.Sub(o.At) > ApprovalTime:
		case o.Is(a.By, a.Identity):
			a.Proven = a.Proven || o.Proven
		default:
			a.Others = append(a.Others, o)
		}
	}
	a.Alone = a.Alone || earlier.Alone && a.At.Sub(earlier.At) <= ApprovalTime
	return a
}

// Without returns the approval without the people that drop returns true for, and their names; nil
// when none is left. An approval without one of its people is that of the others together: none of
// them did without the others.
func (a *Approval) Without(drop func(Approver) bool) (left *Approval, dropped []string) {
	var stay []Approver
	for _, one := range a.approvers() {
		if drop(one) {
			dropped = append(dropped, one.By)
		} else {
			stay = append(stay, one)
		}
	}
	switch {
	case len(dropped) == 0:
		return a, nil
	case len(stay) == 0:
		return nil, dropped
	}
	last := stay[len(stay)-1]
	return &Approval{ID: a.ID, At: last.At, By: last.By, Reason: last.Reason, Proven: last.Proven, Identity: last.Identity,
		Others: stay[:len(stay)-1], UsedBy: a.UsedBy, UsedAt: a.UsedAt}, dropped
}

type approvalHead struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Approval
}

// Approve stores an approval and replaces an earlier one with its ID.
func (s *Store) Approve(a Approval) error {
	var b bytes.Buffer
	if err := writeLine(&b, approvalHead{refusalVersion, s.place, a}); err != nil {
		return err
	}
	if err := s.writeSealed(".approval-"+a.ID, b.Bytes()); err != nil {
		return fmt.Errorf("store the approval: %w", err)
	}
	return nil
}

// Approval reads an approval. It returns ErrNotStored when there is none.
func (s *Store) Approval(id string) (*Approval, error) {
	b, err := s.readSealed(".approval-" + id)
	if err != nil {
		return nil, err
	}
	var h approvalHead
	if err := codec.Unmarshal(b, &h); err != nil || h.Version != refusalVersion || h.Place != s.place || h.ID != id {
		return nil,
			fmt.Errorf("%s is not an approval for %s that this version of pipe wrote", s.path(".approval-"+id), s.place)
	}
	return &h.Approval, nil
}

// Approvals returns the IDs of all stored approvals and removes those that are too old.
func (s *Store) Approvals() []string {
	var out []string
	for _, id := range s.ids(".approval-") {
		a, err := s.Approval(id)
		if err == nil && time.Since(a.At) > keptApprovals {
			s.files.Remove(".approval-" + id)
			continue
		}
		out = append(out, id)
	}
	return out
}
