package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Refusal is a run that guards refused, with the changes that they counted.
type Refusal struct {
	ID       string         `json:"id"`
	At       time.Time      `json:"at"`
	Run      string         `json:"run"`
	Pipeline string         `json:"pipeline"`
	Reasons  []string       `json:"reasons"` // one per guard
	Changes  []fault.Change `json:"-"`
}

// ApprovalTime is how long an approval is valid.
const ApprovalTime = 24 * time.Hour

// Approval allows a refused run once. By and Reason are for audits.
type Approval struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"` // when the last of the people approved
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	// Others approved before By, each another person.
	Others []Approver `json:"others,omitempty"`
	// Alone means that By did without the other people that the file asks for, in an emergency.
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
}

// People returns everyone who approved.
func (a *Approval) People() []string {
	people := make([]string, 0, len(a.Others)+1)
	for _, o := range a.Others {
		people = append(people, o.By)
	}
	return append(people, a.By)
}

// after returns the approval together with an earlier one of the same refusal that has not been
// used and is still valid.
func (a Approval) after(earlier *Approval) Approval {
	if earlier == nil || earlier.UsedBy != "" || a.At.Sub(earlier.At) > ApprovalTime {
		return a
	}
	for _, o := range append(slices.Clone(earlier.Others), Approver{earlier.By, earlier.At, earlier.Reason}) {
		if o.By != a.By && a.At.Sub(o.At) <= ApprovalTime {
			a.Others = append(a.Others, o)
		}
	}
	return a
}

// ErrNotStored means that a folder has no refusal or approval with an ID.
var ErrNotStored = errors.New("not in this state folder")

// refusalVersion is the version of the format of refusals and approvals.
const refusalVersion = 1

// keptRefusals is how many refusals of a place are kept, keptApprovals how long approvals are
// kept.
const (
	keptRefusals  = 10
	keptApprovals = 400 * 24 * time.Hour
)

type refusalHead struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Refusal
}

type approvalHead struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Approval
}

// Refuse stores a refusal under its ID, which must be the Digest of its changes, and removes
// old refusals.
func (s *Store) Refuse(r Refusal) error {
	var b bytes.Buffer
	if err := writeLine(&b, refusalHead{refusalVersion, s.place, r}); err != nil {
		return err
	}
	for _, c := range r.Changes {
		if err := writeLine(&b, c); err != nil {
			return err
		}
	}
	if err := s.writeSealed(".refusal-"+r.ID, b.Bytes()); err != nil {
		return fmt.Errorf("store the refusal: %w", err)
	}
	s.pruneRefusals()
	return nil
}

// Refusal reads a refusal. It returns ErrNotStored when there is none, and an error when the
// file is damaged or its changes have another digest.
func (s *Store) Refusal(id string) (*Refusal, error) {
	b, err := s.readSealed(".refusal-" + id)
	if err != nil {
		return nil, err
	}
	head, rest, _ := bytes.Cut(b, []byte("\n"))
	var h refusalHead
	if err := codec.Unmarshal(head, &h); err != nil || h.Version != refusalVersion || h.Place != s.place {
		return nil, fmt.Errorf("%s is not a refusal of %s that this version of pipe wrote", s.path(".refusal-"+id), s.place)
	}
	for line := range bytes.Lines(rest) {
		var c fault.Change
		if err := codec.Unmarshal(bytes.TrimSuffix(line, []byte("\n")), &c); err != nil {
			return nil, fmt.Errorf("%s is damaged: %w", s.path(".refusal-"+id), err)
		}
		h.Changes = append(h.Changes, c)
	}
	if h.ID != id || fault.Digest(h.Changes) != id {
		return nil, fmt.Errorf("%s is damaged: its changes have another ID", s.path(".refusal-"+id))
	}
	return &h.Refusal, nil
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
			os.Remove(s.path(".approval-" + id))
			continue
		}
		out = append(out, id)
	}
	return out
}

func (s *Store) ids(suffix string) []string {
	files, _ := filepath.Glob(s.path(suffix + "*"))
	var out []string
	for _, f := range files {
		if id := strings.TrimPrefix(f, s.path(suffix)); fault.IsID(id) {
			out = append(out, id)
		}
	}
	return out
}

func (s *Store) pruneRefusals() {
	type stored struct {
		id string
		at time.Time
	}
	var all []stored
	for _, id := range s.ids(".refusal-") {
		if info, err := os.Stat(s.path(".refusal-" + id)); err == nil {
			all = append(all, stored{id, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b stored) int { return b.at.Compare(a.at) })
	for _, old := range all[min(keptRefusals, len(all)):] {
		os.Remove(s.path(".refusal-" + old.id))
	}
}
