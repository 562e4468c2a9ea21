package run

import (
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/read"
)

// Verdict is what became of a run.
type Verdict string

const (
	VerdictDelivered   Verdict = "delivered"   // everything that was planned was acknowledged
	VerdictUnconfirmed Verdict = "unconfirmed" // acknowledged, but the sink has paused or not confirmed
	VerdictDry         Verdict = "dry"         // read and reviewed, nothing sent
	VerdictRefused     Verdict = "refused"     // a guard refused it, nothing sent
	VerdictFailed      Verdict = "failed"
	VerdictStopped     Verdict = "stopped" // by a signal
)

// Report is what a run leaves behind for people and machines. It carries refs
// and numbers, never content.
type Report struct {
	Pipeline string    `json:"pipeline"`
	RunID    string    `json:"run_id"`
	Started  time.Time `json:"started"`
	Verdict  Verdict   `json:"verdict"`
	// Sent is whether anything at all was sent to the sink.
	Sent bool `json:"sent"`
	// FromOutput is the earlier output that was published; nil in ordinary runs.
	FromOutput *FromOutput `json:"from_output,omitempty"`
	// Publish is what was sent, or would be, of what was made; nil when the run ended
	// before that was decided.
	Publish *Publish `json:"publish,omitempty"`
	// Tightened is what a refused run sent all the same, or would send; nil when it sends
	// nothing then.
	Tightened *Tightened `json:"tightened,omitempty"`
	// Approved are the IDs of the approvals that the run needed.
	Approved []string          `json:"approved,omitempty"`
	Read     int               `json:"read"`
	Endings  read.Counts       `json:"endings"`
	Kinds    []read.KindReport `json:"kinds"`
	Streams  []StreamReport    `json:"streams"`
	// Audience counts the items of streams with permissions by class; Nobody
	// are the withheld ones.
	Audience map[access.Audience]int `json:"audience"`
	// FirstRun is that the review found no earlier run of the documents in the
	// state folder, Stateless that there is no state folder.
	FirstRun  bool `json:"first_run,omitempty"`
	Stateless bool `json:"stateless,omitempty"`
	// Since is the last good run that this one was compared with, nil when there
	// is none or the run ended before its review.
	Since *Since `json:"since,omitempty"`
	// Rules counts the same items by the permission rule that decided.
	Rules map[string]int `json:"rules"`
	// Reasons counts the records by why they ended as they did; within an
	// ending the numbers add up to its own.
	Reasons map[component.Ending]map[string]int `json:"reasons"`
	// Rejections are the first of them; all are in the dead letters.
	Rejections []component.DeadLetter `json:"rejections"`
	Notes      []string               `json:"notes"`
	// Unconfirmed are the streams whose upload the sink has acknowledged and not
	// listed yet.
	Unconfirmed []string `json:"unconfirmed,omitempty"`
	// Paused are the streams in which the sink has paused a deletion.
	Paused  []string   `json:"paused,omitempty"`
	Seconds ActSeconds `json:"seconds"`
}

// Publish is what a run sends, or would send, of what it has made.
type Publish struct {
	Mode component.PublishMode `json:"mode"` // full or changes
	// Why is the reason for sending everything; "" when that was asked for.
	Why string `json:"why,omitempty"`
	// Seconds is how long it takes by the sink's own limits.
	Seconds float64 `json:"estimated_seconds"`
	// Steps counts the changes that are sent, by step and stream. Of a full publish they
	// are those that go first.
	Steps []PublishStep `json:"steps,omitempty"`
	// Later counts the documents and groups that a full publish narrows with its uploads,
	// as single requests for them would take too long.
	Later int `json:"narrowed_by_upload,omitempty"`
}

// Tightened is what a refused run tells the sink of who finds documents, by their refs, and
// what waits for a good run.
type Tightened struct {
	// Narrowed are found by fewer people now, and Removed by nobody.
	Narrowed []string `json:"narrowed"`
	Removed  []string `json:"removed"`
	// TooMany would be found by nobody, and are more than max_loss allows.
	TooMany int `json:"too_many_to_remove,omitempty"`
	// Unsure would be found by fewer people, and not by a decision alone.
	Unsure int `json:"not_decided,omitempty"`
	// Failed is why not all of it was sent.
	Failed string `json:"failed,omitempty"`
}

// PublishStep counts the changes of one step in one stream.
type PublishStep struct {
	Step    string `json:"step"`
	Stream  string `json:"stream"`
	Removed bool   `json:"removed,omitempty"`
	Items   int    `json:"items"`
}

// Since is what a run was compared with.
type Since struct {
	Run      string    `json:"run"`
	Finished time.Time `json:"finished"`
	// SamePipeline is whether file and settings were the same then.
	SamePipeline bool                    `json:"same_pipeline"`
	Audience     map[access.Audience]int `json:"audience"` // of then
	// Wider counts the documents that more people find than then, and Widened
	// names all of them.
	Wider   int                `json:"wider"`
	Widened []baseline.Widened `json:"widened,omitempty"`
	// Swapped counts the restricted documents that go while wider ones are new.
	Swapped int `json:"swapped,omitempty"`
}

// StreamReport is the books of one stream of the sink.
type StreamReport struct {
	Name    string `json:"name"`
	Written bool   `json:"written"`
	Staged  int    `json:"staged"`         // items handed to publishing; a stream of the sink's own has no other count
	Rows    int    `json:"rows,omitempty"` // what the items of a stream of the sink's own hold, as the sink counts them
	// Empty are the items of a stream of the sink's own that name no principal: groups
	// without a known member.
	Empty  int            `json:"empty,omitempty"`
	Bytes  int64          `json:"bytes"`
	Types  map[string]int `json:"types,omitempty"`
	Counts read.Counts    `json:"endings,omitempty"`
	// Changes is how it differs from the last good run; nil when none is
	// remembered or the stream is not written.
	Changes *baseline.Changes `json:"changes,omitempty"`
}

// ActSeconds is how long each act took, in seconds.
type ActSeconds struct {
	Read    float64 `json:"read"`
	Review  float64 `json:"review"`
	Publish float64 `json:"publish"`
	Confirm float64 `json:"confirm"` // waiting for the sink to process what was sent
}

// Total is the whole of it.
func (s ActSeconds) Total() float64 { return s.Read + s.Review + s.Publish + s.Confirm }

// Differences are what a run would change against the last good run.
type Differences struct {
	Widened []baseline.Widened
	Gone    []fault.Change // items that would be deleted, and groups that lose members
}
