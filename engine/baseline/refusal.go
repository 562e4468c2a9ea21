package baseline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// Refusal is a run that guards refused, with the changes that they counted.
type Refusal struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Run      string    `json:"run"`
	Pipeline string    `json:"pipeline"`
	Reasons  []string  `json:"reasons"` // one per guard
	// Approvers is guards.approvals of the refused run. A later edit of the file does not make fewer
	// people enough.
	Approvers int `json:"approvers,omitempty"`
	// Counts are the numbers of the changes; see CountChanges.
	Counts []ChangeCount `json:"-"`
	// Changes may be very many. Those of Store.Summary are nil.
	Changes []fault.Change `json:"-"`
}

// ChangeCount is how many changes of a stream have one class of audience afterwards.
type ChangeCount struct {
	Stream string `json:"stream"`
	After  string `json:"after"` // the class alone, see access.Class
	// N is the sum of Change.N, and Items the same with at least 1 for each change.
	N     int `json:"n"`
	Items int `json:"items"`
}

// CountChanges returns the numbers of changes, sorted by stream and class.
func CountChanges(changes []fault.Change) []ChangeCount {
	var c changeCounts
	for _, one := range changes {
		c.add(one)
	}
	return c.sorted()
}

// changeCounts counts changes by stream and class.
type changeCounts map[[2]string]ChangeCount

func (c *changeCounts) add(one fault.Change) {
	if *c == nil {
		*c = changeCounts{}
	}
	key := [2]string{one.Stream, access.Class(one.After)}
	n := (*c)[key]
	(*c)[key] = ChangeCount{key[0], key[1], n.N + one.N, n.Items + max(1, one.N)}
}

func (c changeCounts) sorted() []ChangeCount {
	return slices.SortedFunc(maps.Values(c), func(a, b ChangeCount) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.After, b.After))
	})
}

// ApprovalTime is how long an approval is valid.
const ApprovalTime = 24 * time.Hour

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
	// Counts are those of the changes; earlier versions of pipe did not write them.
	Counts []ChangeCount `json:"counts,omitempty"`
}

type approvalHead struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Approval
}

// Refuse stores a refusal under its ID, which must be the Digest of its changes, with their Counts,
// and removes old refusals.
func (s *Store) Refuse(r Refusal) error {
	var b bytes.Buffer
	if err := writeLine(&b, refusalHead{refusalVersion, s.place, r, CountChanges(r.Changes)}); err != nil {
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
	h, err := s.refusalHead(id, head)
	if err != nil {
		return nil, err
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
	h.Refusal.Counts = CountChanges(h.Changes)
	return &h.Refusal, nil
}

// refusalHead reads the first line of the refusal with an ID.
func (s *Store) refusalHead(id string, line []byte) (*refusalHead, error) {
	h := &refusalHead{}
	if err := codec.Unmarshal(line, h); err != nil || h.Version != refusalVersion || h.Place != s.place {
		return nil, fmt.Errorf("%s is not a refusal of %s that this version of pipe wrote", s.path(".refusal-"+id), s.place)
	}
	return h, nil
}

// Summary is a refusal without its changes.
type Summary struct {
	Refusal
	file state.Info // when it was read
}

// Summary reads a refusal without keeping its changes: it takes the memory of one change. When the
// file of known, which may be nil, has not changed, it is not read again, and known is returned. The
// changes themselves are compared with the ID only by Refusal.
func (s *Store) Summary(id string, known *Summary) (*Summary, error) {
	name := ".refusal-" + id
	info, err := s.files.Stat(name) // before it is opened: a version in between is read again next time
	if err == nil && known != nil && known.ID == id && known.file.Same(info) {
		return known, nil
	}
	var f *os.File
	if err == nil {
		f, err = s.files.Open(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotStored
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var h *refusalHead
	var counts changeCounts
	err = readSealedLines(f, s.path(name), func(line []byte) error {
		if h == nil {
			h, err = s.refusalHead(id, line)
			return err
		}
		if len(h.Counts) > 0 {
			return nil
		}
		var c fault.Change
		if err := codec.Unmarshal(line, &c); err != nil {
			return fmt.Errorf("%s is damaged: %w", s.path(name), err)
		}
		counts.add(c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if h == nil || h.ID != id {
		return nil, fmt.Errorf("%s is damaged: it has another ID", s.path(name))
	}
	if h.Refusal.Counts = h.Counts; len(h.Counts) == 0 {
		h.Refusal.Counts = counts.sorted()
	}
	return &Summary{h.Refusal, info}, nil
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

func (s *Store) ids(suffix string) []string {
	var out []string
	for _, f := range s.stored(suffix) {
		out = append(out, strings.TrimPrefix(f.Name, suffix))
	}
	return out
}

// stored returns the files whose names are a suffix and an ID.
func (s *Store) stored(suffix string) []state.Info {
	all, _ := s.files.List(suffix)
	return slices.DeleteFunc(all, func(f state.Info) bool { return !fault.IsID(strings.TrimPrefix(f.Name, suffix)) })
}

func (s *Store) pruneRefusals() {
	all := s.stored(".refusal-")
	slices.SortFunc(all, func(a, b state.Info) int { return b.Modified.Compare(a.Modified) })
	for _, old := range all[min(keptRefusals, len(all)):] {
		s.files.Remove(old.Name)
	}
}
