package workflows

import "time"

// The names of workflows, signals, queries and activities in Temporal. They do not change.
const (
	TypePipeline = "Pipeline"
	TypeStart    = "Start"

	SignalRequest = "request" // asks for a run, with a Request

	QueryProgress = "progress" // a Progress
	QueryReport   = "report"   // the last Report

	ActivityBegin   = "Begin"
	ActivityRun     = "Run"
	ActivityConfirm = "Confirm"
	ActivityLook    = "Look"
)

// RunQueue returns the task queue of the activity Run for that of a workflow.
func RunQueue(queue string) string { return queue + "-runs" }

// The types of errors of activities. Those of Fatal, Permanent and Wrong are never tried again.
const (
	Transient = "transient" // worth another try, after a pause that grows
	Throttled = "throttled" // worth another try after the pause that the other end asked for
	Stopped   = "stopped"   // the worker ends, or lost its contact or its lock; another one goes on
	Permanent = "permanent" // the same run will fail again
	Fatal     = "fatal"     // credentials or configuration
	Wrong     = "wrong"     // the pipeline file or the fleet is wrong
)

// Final are the types of errors that are not tried again.
func Final() []string { return []string{Permanent, Fatal, Wrong} }

// How a run was asked for.
const (
	BySchedule = "schedule"
	ByPerson   = "person"
	ByApproval = "approval" // a hint: the run begins only when the store has an approval
	ByLoss     = "loss"     // the sink lost an upload
)

// Request asks for a run.
type Request struct {
	ID   string `json:"id"` // a request with the ID of an earlier one is dropped
	How  string `json:"how"`
	By   string `json:"by,omitempty"` // a digest of the person's name
	Full bool   `json:"full,omitempty"`
	// Job is what the fleet says of the pipeline now. It differs from that of the running workflow
	// when the fleet was applied meanwhile; nil means that it does not.
	Job *Job `json:"job,omitempty"`
}

// Limits are times of a pipeline.
type Limits struct {
	Run       time.Duration `json:"run"`       // of one attempt
	Heartbeat time.Duration `json:"heartbeat"` // without a sign of life; then another worker begins
	Retry     time.Duration `json:"retry"`     // for all attempts of a run
	Held      time.Duration `json:"held"`      // while another run holds the place
	Confirm   time.Duration `json:"confirm"`   // until the sink has processed everything
}

// Job is which pipeline runs.
type Job struct {
	Fleet    string `json:"fleet"`
	Pipeline string `json:"pipeline"` // its name in the fleet
	Team     string `json:"team,omitempty"`
	Region   string `json:"region,omitempty"`
	// SHA256 is the hash that the pipeline file must have; "" when the fleet does not pin it.
	SHA256 string `json:"sha256,omitempty"`
	// Attributes reports that the namespace has the search attributes of the fleet.
	Attributes bool   `json:"attributes,omitempty"`
	Limits     Limits `json:"limits"`
}

// StartInput is the input of Start and of the activity Begin.
type StartInput struct {
	Job     Job     `json:"job"`
	Request Request `json:"request"`
}

// Begun is the result of Start.
type Begun struct {
	Workflow string `json:"workflow"` // the ID of the workflow Pipeline
	Run      string `json:"run"`      // its run in Temporal
}

// Input is the input of Pipeline.
type Input struct {
	Job      Job       `json:"job"`
	Requests []Request `json:"requests,omitempty"` // that an earlier run of the workflow left
	Seen     []string  `json:"seen,omitempty"`     // IDs of the last requests
	Last     *Report   `json:"last,omitempty"`     // of the earlier run
}

// RunInput is the input of the activity Run.
type RunInput struct {
	Job     Job     `json:"job"`
	Request Request `json:"request"`
}

// ConfirmInput is the input of the activities Confirm and Look.
type ConfirmInput struct {
	Job Job `json:"job"`
}

// Confirmed is the result of the activity Confirm: numbers of streams and uploads.
type Confirmed struct {
	Pending int `json:"pending"` // not processed yet, or not listed yet
	Paused  int `json:"paused"`  // the sink has paused a deletion
	Lost    int `json:"lost"`    // acknowledged, and lost
}

// Looked is the result of the activity Look.
type Looked struct {
	Approved bool `json:"approved"` // the store has an approval that a run may use
}

// The results of a run in Report.Result and in the search attribute. Done, Rejected, Refused and
// Unconfirmed are results; the workflow of the others failed.
const (
	ResultRunning     = "running"
	ResultDone        = "done"
	ResultRejected    = "rejected"
	ResultRefused     = "refused"
	ResultUnconfirmed = "unconfirmed"
	ResultHeld        = "held"
	ResultFailed      = "failed"
	ResultWrong       = "wrong"
	ResultCancelled   = "cancelled"
	ResultNothing     = "nothing" // the store has no approval to act on
)

// Report is the result of a run: IDs, counts and digests.
type Report struct {
	Run    string `json:"run"` // the run's ID; "" when none began
	Result string `json:"result"`
	Code   string `json:"code,omitempty"`   // of the error
	File   string `json:"file,omitempty"`   // the SHA-256 of the pipeline file
	Commit string `json:"commit,omitempty"` // of the checkout
	How    string `json:"how,omitempty"`
	Mode   string `json:"mode,omitempty"` // full or changes

	// Refusal is the ID of a refusal, which is the digest of its guarded changes; Changes is their
	// number, Guards are the guards that refused.
	Refusal string   `json:"refusal,omitempty"`
	Changes int      `json:"changes,omitempty"`
	Guards  []string `json:"guards,omitempty"`

	Began   time.Time      `json:"began"`
	Seconds float64        `json:"seconds"`
	Attempt int32          `json:"attempt,omitempty"`
	Sent    bool           `json:"sent,omitempty"`
	Read    int            `json:"read"`
	Endings map[string]int `json:"endings,omitempty"`
	Streams map[string]int `json:"streams,omitempty"` // items by stream

	// HeldUntil is when another run may take the place over; zero when that is not known.
	HeldUntil time.Time `json:"held_until,omitzero"`
	// What the sink has not confirmed, and how often it was asked.
	Confirmed
	Polls int `json:"polls,omitempty"`
}

// Unsettled reports whether the sink has not processed everything that the run sent.
func (r *Report) Unsettled() bool {
	switch r.Result {
	case ResultUnconfirmed:
		return true
	case ResultDone, ResultRejected:
		return r.Pending+r.Paused+r.Lost > 0
	}
	return false
}

// The stages of Pipeline.
const (
	StageBegin   = "begin"
	StageLook    = "look"
	StageRun     = "run"
	StageHeld    = "held"
	StageConfirm = "confirm"
	StageEnd     = "end"
)

// Progress is what Pipeline does now.
type Progress struct {
	Stage string    `json:"stage"`
	Since time.Time `json:"since"`
	// Next is when the sink or the lock is asked again; zero while nothing waits for a time.
	Next    time.Time `json:"next,omitzero"`
	Waiting int       `json:"waiting"` // requests that the current run does not answer
}

// Beat is the details of a heartbeat of Run.
type Beat struct {
	Run    string `json:"run"`
	Act    string `json:"act"` // open, read, publish or confirm
	Read   int    `json:"read"`
	ToSend int    `json:"to_send"`
	Sent   int    `json:"sent"`
}
