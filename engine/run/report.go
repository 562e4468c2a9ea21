package run

import (
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
)

// Verdict is the outcome of a run.
type Verdict string

const (
	VerdictDelivered   Verdict = "delivered"   // the whole plan was acknowledged
	VerdictUnconfirmed Verdict = "unconfirmed" // acknowledged; a deletion is paused or an upload unconfirmed
	VerdictDry         Verdict = "dry"         // read and reviewed, nothing sent
	VerdictRefused     Verdict = "refused"     // refused by a guard, nothing sent
	VerdictFailed      Verdict = "failed"
	VerdictStopped     Verdict = "stopped" // by a signal
)

// Report is the result of a run for people and programs. It contains refs and numbers, never
// content.
type Report struct {
	Pipeline string    `json:"pipeline"`
	RunID    string    `json:"run_id"`
	Started  time.Time `json:"started"`
	Verdict  Verdict   `json:"verdict"`
	// Sent reports whether anything was sent to the sink.
	Sent bool `json:"sent"`
	// FromOutput is the earlier output that was published; nil in ordinary runs.
	FromOutput *FromOutput `json:"from_output,omitempty"`
	// Publish is what was sent, or would be sent, of the plan; nil when the run ended before
	// that was decided.
	Publish *Publish `json:"publish,omitempty"`
	// Tightened is what a refused run still sent, or would send; nil when it sends nothing.
	Tightened *Tightened `json:"tightened,omitempty"`
	// Approved are the IDs of the approvals that the run used.
	Approved []string          `json:"approved,omitempty"`
	Read     int               `json:"read"`
	Endings  read.Counts       `json:"endings"`
	Kinds    []read.KindReport `json:"kinds"`
	Streams  []StreamReport    `json:"streams"`
	// Audience counts the items of streams with permissions by class; access.Nobody counts the
	// withheld items.
	Audience map[access.Audience]int `json:"audience"`
	// FirstRun reports that the review found no earlier run of the documents in the state
	// folder, Stateless that there is no state folder.
	FirstRun  bool `json:"first_run,omitempty"`
	Stateless bool `json:"stateless,omitempty"`
	// Since is the last good run that this run was compared with; nil when there is none or the
	// run ended before its review.
	Since *Since `json:"since,omitempty"`
	// Rules counts the same items by the permission rule that decided.
	Rules map[string]int `json:"rules"`
	// Reasons counts the records by ending and reason. The numbers of an ending add up to its
	// total.
	Reasons map[component.Ending]map[string]int `json:"reasons"`
	// Rejections are the first rejections; the dead letters contain all.
	Rejections []component.DeadLetter `json:"rejections"`
	Notes      []string               `json:"notes"`
	// Unconfirmed are the streams whose upload was acknowledged but is not listed by the sink
	// yet.
	Unconfirmed []string `json:"unconfirmed,omitempty"`
	// Paused are the streams in which the sink has paused a deletion.
	Paused  []string   `json:"paused,omitempty"`
	Seconds ActSeconds `json:"seconds"`
}

// Publish is what a run sends, or would send, of its plan.
type Publish struct {
	Mode component.PublishMode `json:"mode"` // full or changes
	// Why is the reason for sending everything; "" when that was requested.
	Why string `json:"why,omitempty"`
	// Seconds is the estimated duration by the sink's own limits.
	Seconds float64 `json:"estimated_seconds"`
	// Steps counts the changes that are sent, by step and stream. For a full publish, these are
	// the steps ahead of it.
	Steps []PublishStep `json:"steps,omitempty"`
	// Later counts the documents and groups that a full publish narrows with its uploads,
	// because single requests would take too long.
	Later int `json:"narrowed_by_upload,omitempty"`
}

// Tightened is which documents a refused run narrowed, by their refs, and what waits for a good
// run.
type Tightened struct {
	// Narrowed are documents that fewer people find now, Removed those that no one finds now.
	Narrowed []string `json:"narrowed"`
	Removed  []string `json:"removed"`
	// TooMany is the number of documents that no one would find, when they are more than
	// max_loss allows.
	TooMany int `json:"too_many_to_remove,omitempty"`
	// Unsure is the number of documents that fewer people would find, but not only by a
	// decision.
	Unsure int `json:"not_decided,omitempty"`
	// Failed is why a part of it was not sent.
	Failed string `json:"failed,omitempty"`
}

// PublishStep counts the changes of one step in one stream.
type PublishStep struct {
	Step    string `json:"step"`
	Stream  string `json:"stream"`
	Removed bool   `json:"removed,omitempty"`
	Items   int    `json:"items"`
}

// Since is the run that a run was compared with.
type Since struct {
	Run      string    `json:"run"`
	Finished time.Time `json:"finished"`
	// SamePipeline reports whether file and settings were the same.
	SamePipeline bool                    `json:"same_pipeline"`
	Audience     map[access.Audience]int `json:"audience"` // in that run
	// Wider is the number of documents that more people find than after that run, Widened is
	// their list.
	Wider   int                `json:"wider"`
	Widened []baseline.Widened `json:"widened,omitempty"`
	// Swapped is the number of restricted documents that are deleted while wider ones are new.
	Swapped int `json:"swapped,omitempty"`
}

// StreamReport is the counts of one stream of the sink.
type StreamReport struct {
	Name    string `json:"name"`
	Written bool   `json:"written"`
	Staged  int    `json:"staged"`         // items to publish; the only count of a stream that the session derived
	Rows    int    `json:"rows,omitempty"` // size of the items of a derived stream, as the sink counts it
	// Empty is the number of items of a derived stream that name no principal: groups without a
	// known member.
	Empty  int            `json:"empty,omitempty"`
	Bytes  int64          `json:"bytes"`
	Types  map[string]int `json:"types,omitempty"`
	Counts read.Counts    `json:"endings,omitempty"`
	// Changes is the difference from the last good run; nil when there is none or the stream is
	// not written.
	Changes *baseline.Changes `json:"changes,omitempty"`
}

// ActSeconds is the duration of each act, in seconds.
type ActSeconds struct {
	Read    float64 `json:"read"`
	Review  float64 `json:"review"`
	Publish float64 `json:"publish"`
	Confirm float64 `json:"confirm"` // waiting for the sink to process what was sent
}

// Total returns the sum of all acts.
func (s ActSeconds) Total() float64 { return s.Read + s.Review + s.Publish + s.Confirm }

// Differences is what a run would change compared with the last good run.
type Differences struct {
	Widened []baseline.Widened
	Gone    []fault.Change // items that would be deleted, and groups that lose members
}
