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

// ErrNotStored means that a folder has no refusal or approval with an ID.
var ErrNotStored = errors.New("not in this state folder")

// refusalVersion is the version of the format of refusals and approvals.
const refusalVersion = 1

// keptRefusals is how many refusals of a place are kept.
const keptRefusals = 10

type refusalHead struct {
	Version int    `json:"version"`
	Place   string `json:"place"`
	Refusal
	// Counts are those of the changes; earlier versions of pipe did not write them.
	Counts []ChangeCount `json:"counts,omitempty"`
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
