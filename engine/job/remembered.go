package job

import (
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// LastRun is what the state folder has about the last good run.
type LastRun struct {
	Run      string                    `json:"run"`
	Finished time.Time                 `json:"finished"`
	Streams  map[string]int            `json:"streams"`
	Types    map[string]map[string]int `json:"types"`
}

func lastRunOf(base *baseline.Baseline) *LastRun {
	return &LastRun{base.Run, base.Finished, base.Streams, base.Types}
}

// Remembered returns the last good run of the sink's place from the state folder, nil when its
// baseline is not intact, and the hidden documents. The error is a *fault.StateError.
func (j *Job) Remembered() (last *LastRun, hidden []baseline.Hidden, err error) {
	if j.State == nil {
		return nil, nil, nil
	}
	store, err := baseline.Open(j.State, j.Pipeline.Sink.Place())
	if err != nil {
		return nil, nil, &fault.StateError{Err: err, Remedy: "name a folder that can be written with --state DIR"}
	}
	if hidden, err = hiddenNow(store); err != nil {
		return nil, nil, &fault.StateError{
			Err: err, Remedy: "restore the file from a copy, or remove it and hide the documents again",
		}
	}
	base, err := store.Load()
	if err != nil {
		return nil, hidden, &fault.StateError{
			Err: err, Remedy: "make the file readable for this user, or restore the state folder from a copy",
		}
	}
	defer base.Close()
	if base.Condition != baseline.Intact {
		return nil, hidden, nil
	}
	return lastRunOf(&base), hidden, nil
}

// hiddenNow returns the documents that are hidden and were not let back.
func hiddenNow(store *baseline.Store) ([]baseline.Hidden, error) {
	hidden, err := store.Hidden()
	return slices.DeleteFunc(hidden, func(h baseline.Hidden) bool { return !h.Back.IsZero() }), err
}

// delivered returns the refs of the documents of the last good run, sorted; none when its
// baseline is not intact.
func (j *Job) delivered() []string {
	if j.State == nil || j.Pipeline.Sink.Place() == "" {
		return nil
	}
	store, err := baseline.Open(j.State, j.Pipeline.Sink.Place())
	if err != nil {
		return nil
	}
	base, err := store.Load()
	if err != nil || base.Condition != baseline.Intact {
		return nil
	}
	defer base.Close()
	var out []string
	for e, err := range base.Entries() {
		if err != nil {
			return nil
		}
		if e.Audience != "" && e.Away.IsZero() {
			out = append(out, e.Ref)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// State is what a state folder has about one place.
type State struct {
	Place    string   `json:"place"`
	Folder   string   `json:"folder"`
	Baseline string   `json:"baseline"` // intact, missing, damaged or newer
	Problem  string   `json:"problem,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	LastRun  *LastRun `json:"lastRun"`
	// Whole is when everything was last published; nil when unknown. Journal is what was sent
	// since the last good run.
	Whole     *time.Time          `json:"lastFullPublish,omitempty"`
	Journal   *JournalState       `json:"journal,omitempty"`
	Hidden    []baseline.Hidden   `json:"hidden"`
	Approvals []baseline.Approval `json:"approvals"` // the latest first
	Files     []string            `json:"files"`
}

// JournalState is what was sent since the last good run.
type JournalState struct {
	Items       int    `json:"items"`
	Interrupted bool   `json:"interrupted"`
	Damaged     string `json:"damaged,omitempty"`
}

// ReadState reads what a store has about a place. It changes nothing.
func ReadState(in state.Store, place string) (*State, error) {
	store, err := baseline.Open(in, place)
	if err != nil {
		return nil, err
	}
	out := &State{Place: place, Folder: in.String(), Hidden: []baseline.Hidden{}, Approvals: []baseline.Approval{}}
	base, err := store.Load()
	if err != nil {
		return nil, err
	}
	defer base.Close()
	out.Baseline, out.Problem = base.Condition.String(), base.Problem
	if base.Condition == baseline.Intact {
		out.LastRun = lastRunOf(&base)
		if !base.Whole.IsZero() {
			out.Whole = &base.Whole
		}
	}
	journal, err := store.Journal(nil)
	if err != nil {
		return nil, err
	}
	if !journal.Empty() {
		out.Journal = &JournalState{Items: journal.Len(), Interrupted: journal.Interrupted, Damaged: journal.Damaged}
	}
	owner, _, err := store.Owner()
	if err != nil {
		return nil, err
	}
	out.Owner = owner.ID
	hidden, err := hiddenNow(store)
	if err != nil {
		return nil, err
	}
	out.Hidden = append(out.Hidden, hidden...)
	for _, id := range store.Approvals() {
		approval, err := store.Approval(id)
		if err != nil {
			return nil, err
		}
		out.Approvals = append(out.Approvals, *approval)
	}
	slices.SortFunc(out.Approvals, func(a, b baseline.Approval) int { return b.At.Compare(a.At) })
	out.Files, err = store.Files()
	return out, err
}
